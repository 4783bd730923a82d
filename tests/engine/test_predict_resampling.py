"""Maps of images whose pixels are not those of the model: known truth on both grids."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.prediction.scenes.part import Part
from geoseg.geoseg_plugin.engine.prediction.scenes.pixel_sizes import scale_grid
from geoseg.geoseg_plugin.engine.prediction.scenes.resampling import ScaledSource
from geoseg.geoseg_plugin.engine.prediction.scenes.sources import RasterSource
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from rasterio.windows import Window
from scipy import ndimage
from shapely import Point

UTM = "EPSG:32633"
TRANSFORMS = {
    "north up": (UTM, Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)),
    "south up": (UTM, Affine(0.5, 0, 500_000, 0, 0.5, 5_000_000)),
    "rotated": (UTM, Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000) @ Affine.rotation(30)),
    "in degrees": ("EPSG:4326", Affine(1e-5, 0, 11, 0, -1e-5, 60)),
    "in feet": ("EPSG:2263", Affine(0.5, 0, 980_000, 0, -0.5, 200_000)),
    "no CRS": (None, Affine(0.5, 0, 500, 0, -0.5, 900)),
}


def _blobs(height, width, seed=0, size=6):
    """Return one band of smooth areas clearly above or below 100."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), size, mode="wrap")
    return np.where(noise > 0, 180, 20).astype(np.uint8)


def _inner(classes, reach):
    """Tell which pixels are no nearer than `reach` pixels to another class."""
    return ndimage.minimum_filter(classes, 2 * reach + 1) == ndimage.maximum_filter(classes, 2 * reach + 1)


@pytest.fixture
def predict(tmp_path, recorder):
    """Maps an image by whether its band is above 100, at pixels of a model; returns class raster and its grid."""

    def run(image, size, crs=UTM, **options):
        classes = {1: "low", 2: "high"}
        card = make_card(bands=("grey",), classes=classes, pixel_size=size, crs=crs)
        model = write_pixelwise(tmp_path / "model.onnx", card, [[0.0], [5.0]], [0, 0])
        request = PredictSegmentation(input=image, model=model, output=str(tmp_path / "map.tif"), **options)
        predict_segmentation(request, recorder)
        with rasterio.open(request.output) as found:
            return found.read(1), Grid.of(found)

    return run


@pytest.mark.parametrize("place", TRANSFORMS)
def test_repeated_pixels_are_seen_as_the_ones_they_repeat(make_raster, predict, place):
    crs, transform = TRANSFORMS[place]
    coarse = _blobs(100, 130)
    image = make_raster("image.tif", coarse.repeat(2, axis=0).repeat(3, axis=1)[None], crs=crs, transform=transform)
    with rasterio.open(image) as dataset:
        own = Grid.of(dataset)
    width, height = own.pixel_size
    found, grid = predict(image, (3 * width, 2 * height), crs, result_grid="model")
    assert np.array_equal(found, np.where(coarse > 100, 2, 1))
    assert grid == scale_grid(own, (3.0, 2.0))
    assert grid.bounds == pytest.approx(own.bounds, rel=1e-12)

    found, grid = predict(image, (3 * width, 2 * height), crs)
    wanted = np.where(coarse > 100, 2, 1).repeat(2, axis=0).repeat(3, axis=1)
    assert grid == own
    inner = _inner(wanted, 3)
    assert inner.mean() > 0.4
    assert np.array_equal(found[inner], wanted[inner])


@pytest.mark.parametrize("step", [0.3, 0.5, 1.37, 2.9])
def test_maps_come_back_to_the_pixels_of_the_image(make_raster, predict, step):
    pixels = _blobs(211, 307, size=8)
    image = make_raster("image.tif", pixels[None])
    found, grid = predict(image, (0.5 * step, 0.5 * step))
    wanted = np.where(pixels > 100, 2, 1)
    with rasterio.open(image) as dataset:
        assert grid == Grid.of(dataset)
    inner = _inner(wanted, int(np.ceil(step)) + 1)
    assert inner.mean() > 0.3
    assert np.array_equal(found[inner], wanted[inner])
    assert np.mean(found == wanted) > 1 - 0.05 * step


@pytest.mark.parametrize("step", [1 / 3, 1.1, 3.3])
def test_nothing_drifts_over_thousands_of_pixels(make_raster, predict, step):
    columns = np.arange(5000)
    stripes = np.where(columns // 50 % 2, 180, 20).astype(np.uint8)
    image = make_raster("image.tif", np.broadcast_to(stripes, (1, 12, 5000)))
    found, _ = predict(image, (0.5 * step, 0.5), overlap=0)
    edges = np.flatnonzero(np.diff(found[5].astype(int))) + 1
    assert len(edges) == 99
    # An edge lies between two pixels of the model, and is put where their probabilities are alike.
    assert np.abs(edges - np.arange(50, 5000, 50)).max() <= max(1, step / 2 + 0.5)

    found, grid = predict(image, (0.5 * step, 0.5), overlap=0, result_grid="model")
    edges = (np.flatnonzero(np.diff(found[5].astype(int))) + 1) * step
    assert np.abs(edges - np.arange(50, 5000, 50)).max() <= max(0.5, step / 2) + 1e-6
    assert grid.transform @ (grid.width, 0) == pytest.approx((500_000 + 0.5 * step * grid.width, 5_000_000), abs=1e-9)
    assert 5000 <= grid.width * step + 1e-6 < 5000 + step


@pytest.mark.parametrize("step", [0.4, 0.75, 2, 3.7])
@pytest.mark.parametrize("gaps", ["nodata", "mask", "not a number"])
def test_what_has_no_data_has_none_on_any_grid(make_raster, predict, step, gaps):
    hole = np.zeros((90, 140), np.bool_)
    hole[20:33, 40:90] = hole[50:53, 100:] = hole[:, 5] = hole[70, 70] = True
    pixels = _blobs(90, 140, size=5)
    options = {}
    if gaps == "mask":
        options = {"mask": np.where(hole, 0, 255).astype(np.uint8)}
        pixels[hole] = 255
    elif gaps == "nodata":
        options = {"nodata": 0}
        pixels[hole] = 0
    else:
        pixels = np.where(hole, np.nan, pixels.astype(np.float32))
    found, _ = predict(make_raster("image.tif", pixels[None], **options), (0.5 * step, 0.5 * step))
    assert np.array_equal(found == 255, hole)
    # What lies behind the gaps does not bleed into their neighbours.
    wanted, reach = np.where(np.where(hole, 0, pixels) > 100, 2, 1), 2 * int(np.ceil(step)) + 1
    least = ndimage.minimum_filter(np.where(hole, 3, wanted), reach)
    most = ndimage.maximum_filter(np.where(hole, 0, wanted), reach)
    inner = (least == most) & ~hole
    assert (inner & ndimage.binary_dilation(hole)).sum() > 50
    assert np.array_equal(found[inner], wanted[inner])


@pytest.mark.parametrize(("step", "grid"), [(0.6, "image"), (0.6, "model"), (2.5, "image"), (2.5, "model")])
def test_areas_on_other_pixels_are_what_the_whole_is_there(make_raster, make_layer, predict, step, grid):
    image = make_raster("image.tif", _blobs(260, 340)[None])
    options = {"tile_size": 64, "result_grid": grid}
    whole, whole_grid = predict(image, (0.5 * step, 0.5 * step), **options)
    area = make_layer("areas.gpkg", [Point(120, 130).buffer(50), Point(250, 60).buffer(20)])
    found, found_grid = predict(image, (0.5 * step, 0.5 * step), area=area, **options)
    col, row = whole_grid.offset_of(found_grid)
    part = whole[row : row + found_grid.height, col : col + found_grid.width]
    known = found != 255
    assert 0.2 < known.mean() < 0.8
    assert np.array_equal(found[known], part[known])


@pytest.fixture
def scaled(make_raster):
    """Opens pixels (C, H, W) at other pixels, and returns what a window of these shows."""

    def run(pixels, steps, window=None, *, blended=True, **options):
        with open_raster(make_raster("image.tif", pixels, **options)) as dataset:
            grid, own = scale_grid(Grid.of(dataset), steps), Grid.of(dataset)
            raw = RasterSource(dataset, dataset.indexes, Part.whole(own))
            source = ScaledSource(raw, dataset.shape, steps, Part.whole(grid), blended=blended)
            window = window or Window(0, 0, grid.width, grid.height)
            found, valid = source.read(window)
            assert np.array_equal(source.find_valid(window), valid)
            assert source.find_wanted(window) is None
            return found, valid

    return run


RAMP = np.add.outer(np.arange(0, 240, 6), np.arange(60)).astype(np.uint16)


def test_larger_pixels_are_averages(scaled):
    found, valid = scaled(RAMP[None], (5.0, 4.0))
    np.testing.assert_allclose(found[0], RAMP.reshape(10, 4, 12, 5).mean(axis=(1, 3)), rtol=1e-6)
    assert valid.all()
    # Of pixels that are cut, the parts count: each of 2.5 holds two wholes and a half.
    found, _ = scaled(RAMP[None, :1], (2.5, 1.0))
    np.testing.assert_allclose(found[0, 0, :3], [(0 + 1 + 2 / 2) / 2.5, (2 / 2 + 3 + 4) / 2.5, (5 + 6 + 7 / 2) / 2.5])
    # The last one reaches over the edge: it is the average of what there is.
    found, _ = scaled(RAMP[None, :1], (7.0, 1.0))
    np.testing.assert_allclose(found[0, 0, -1], np.arange(56, 60).mean())


def test_smaller_pixels_are_interpolated(scaled):
    found, valid = scaled(RAMP[None], (0.4, 0.5))
    rows, cols = ((np.arange(n) + 0.5) * step - 0.5 for n, step in ((80, 0.5), (150, 0.4)))
    wanted = 6 * rows.clip(0, 39)[:, None] + cols.clip(0, 59)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-5)
    assert valid.all()


def test_smaller_one_way_and_larger_the_other(scaled):
    found, _ = scaled(RAMP[None], (0.5, 4.0))
    wanted = RAMP.reshape(10, 4, 60).mean(axis=1)[:, :1] + ((np.arange(120) + 0.5) / 2 - 0.5).clip(0, 59)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5)


def test_names_are_never_blended(scaled):
    for steps in ((2.7, 3.1), (0.6, 0.3)):
        found, _ = scaled(RAMP[None], steps, blended=False)
        cols, rows = (
            np.floor((np.arange(count) + 0.5) * step).astype(int).clip(0, most)
            for count, step, most in zip(found.shape[:0:-1], steps, (59, 39), strict=True)
        )
        assert np.array_equal(found[0], RAMP[np.ix_(rows, cols)])


def test_averages_count_what_has_data(scaled):
    pixels = np.random.default_rng(0).integers(1, 200, (2, 40, 60)).astype(np.uint8)
    hole = np.zeros((40, 60), np.bool_)
    hole[10:20, 5:30] = hole[20, 30] = hole[33:, 41:] = True
    pixels[:, hole] = 0
    found, valid = scaled(pixels, (5.0, 4.0), nodata=0)
    known = ~hole.reshape(10, 4, 12, 5)
    assert np.array_equal(valid, known.any(axis=(1, 3)))
    sums, counts = pixels.reshape(2, 10, 4, 12, 5).sum(axis=(2, 4)), known.sum(axis=(1, 3))
    np.testing.assert_allclose(found[:, valid], (sums / np.maximum(counts, 1))[:, valid], rtol=1e-5)


@pytest.mark.parametrize("at_once", [100, 2**20])
def test_what_is_seen_does_not_depend_on_how_it_is_read(scaled, monkeypatch, at_once):
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.prediction.scenes.resampling._PIXELS_AT_ONCE", at_once)
    pixels = np.random.default_rng(0).integers(0, 60_000, (2, 300, 400)).astype(np.uint16)
    pixels[:, 100:150, 200:] = 0
    for step in (0.7, 2.3):
        whole, valid = scaled(pixels, (step, step), nodata=0)
        _, height, width = whole.shape
        for window in (Window(3, 5, 100, 30), Window(width - 50, height - 31, 50, 31), Window(7, 40, width - 7, 1)):
            found, shown = scaled(pixels, (step, step), window, nodata=0)
            place = window.toslices()
            assert np.array_equal(shown, valid[place])
            assert np.array_equal(found[:, shown], whole[:, *place][:, shown])


def test_a_far_coarser_image_is_warned_of(make_raster, predict, recorder):
    image = make_raster("image.tif", _blobs(12, 14, size=2)[None], transform=Affine(10, 0, 500_000, 0, -10, 5_000_000))
    found, _ = predict(image, (1.0, 1.0))
    assert found.shape == (12, 14)
    assert any("cannot show what the model knows, and the work is 100 times" in text for text in recorder.warnings)
    recorder.warnings.clear()
    predict(image, (1.0, 1.0), pixel_size="image")
    assert any("choose the model's as PIXEL_SIZE" in text for text in recorder.warnings)
