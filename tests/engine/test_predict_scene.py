"""Rasters as networks see them and as results show them."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.networks.onnx_network import OnnxNetwork
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.prediction.scenes.scene import open_scene
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from rasterio.crs import CRS
from rasterio.windows import Window
from shapely import Point, box

IMAGE = np.random.default_rng(0).integers(1, 250, (3, 300, 500)).astype(np.uint8)
UTM = CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 300, 500)
HERE = {"crs": "EPSG:32633"}


@pytest.fixture
def model(tmp_path):
    """A network that looks 4 pixels around, so that every window has its own answer near its border."""
    weights = np.random.default_rng(1).normal(size=(3, 3, 9, 9)) / 3
    return write_pixelwise(tmp_path / "model.onnx", make_card(**HERE), weights, [0, 0, 0])


@pytest.fixture
def predict(tmp_path, model, monkeypatch):
    """Predicts; returns class raster, probabilities, their grid, and how many windows the network saw."""
    seen, infer = [], OnnxNetwork._infer
    monkeypatch.setattr(OnnxNetwork, "_infer", lambda self, windows: seen.append(len(windows)) or infer(self, windows))

    def run(image, report=None, **options):
        seen.clear()
        output, probabilities = str(tmp_path / "map.tif"), str(tmp_path / "probabilities.tif")
        values = {"model": model, "output": output, "probabilities": probabilities, "overlap": 50, **options}
        predict_segmentation(PredictSegmentation(input=image, **values), report or Listener())
        with rasterio.open(output) as classes, rasterio.open(probabilities) as shares:
            return classes.read(1), shares.read(), Grid.of(classes), sum(seen)

    return run


def _extent(left, top, right, bottom):
    (west, north), (east, south) = GRID.transform @ (left, top), GRID.transform @ (right, bottom)
    return f"{west},{east},{south},{north} [EPSG:32633]"


def _touched(length, first, stop):
    """Count windows of 64 pixels with half of them shared, which begin 16 pixels before a raster, that touch pixels."""
    starts = [*range(-16, length + 16 - 64, 32), length + 16 - 64]
    return sum(start < stop and start + 64 > first for start in starts)


@pytest.mark.parametrize("place", [(0, 0, 500, 300), (100, 50, 101, 51), (200, 10, 470, 290), (490, 1, 500, 299)])
def test_an_extent_gives_what_the_whole_map_has_there(make_raster, predict, place):
    image = make_raster("image.tif", IMAGE)
    whole = predict(image)
    left, top, right, bottom = place
    classes, shares, grid, count = predict(image, extent=_extent(*place))
    assert np.array_equal(classes, whole[0][top:bottom, left:right])
    assert np.array_equal(shares, whole[1][:, top:bottom, left:right])
    assert grid == GRID.part(Window(left, top, right - left, bottom - top))
    assert count == _touched(300, top, bottom) * _touched(500, left, right)
    assert whole[3] == _touched(300, 0, 300) * _touched(500, 0, 500)


def test_an_extent_in_another_crs(make_raster, predict):
    west, south, east, north = rasterio.warp.transform_bounds(UTM, "EPSG:4326", 500_050, 4_999_900, 500_100, 4_999_975)
    _, _, grid, _ = predict(make_raster("image.tif", IMAGE), extent=f"{west},{east},{south},{north} [EPSG:4326]")
    (col, row) = GRID.offset_of(grid)
    assert 98 <= col <= 100
    assert 48 <= row <= 50
    assert 200 <= col + grid.width <= 202
    assert 200 <= row + grid.height <= 202


def test_polygons_give_what_the_whole_map_has_there(make_raster, make_layer, predict):
    image = make_raster("image.tif", IMAGE)
    whole = predict(image)
    shapes = [Point(60, 60).buffer(30.3), box(400, 250, 430, 270)]
    classes, shares, grid, count = predict(image, area=make_layer("areas.gpkg", shapes))
    rows, cols = np.mgrid[30:270, 29:430] + 0.5
    inside = (rows - 60) ** 2 + (cols - 60) ** 2 < 30.3**2
    inside |= (rows > 250) & (cols > 400)
    assert grid == GRID.part(Window(29, 29, 401, 241))
    classes, shares = classes[1:], shares[:, 1:]
    assert np.count_nonzero((classes != 255) != inside) <= 8
    known = classes != 255
    assert np.array_equal(classes[known], whole[0][30:270, 29:430][known])
    assert np.array_equal(shares[:, known], whole[1][:, 30:270, 29:430][:, known])
    assert np.isnan(shares[:, ~known]).all()
    # Windows of the circle are no more than those of the square around it.
    assert count <= _touched(300, 29, 91) * _touched(500, 29, 91) + _touched(300, 250, 270) * _touched(500, 400, 430)


def test_polygons_in_degrees_within_an_extent(make_raster, make_layer, predict):
    image = make_raster("image.tif", IMAGE)
    corner = rasterio.warp.transform_bounds(UTM, "EPSG:4326", 500_050, 4_999_900, 500_100, 4_999_975)
    # The fixture places pixels of the grid, so that degrees go in as if they were such.
    as_pixels = [((x - 500_000) * 2, (5_000_000 - y) * 2) for x, y in (corner[:2], corner[2:])]
    shapes = [box(*as_pixels[0], *as_pixels[1])]
    area = make_layer("areas.gpkg", shapes, crs=CRS.from_epsg(4326))
    classes, _, grid, _ = predict(image, area=area, extent=_extent(150, 0, 500, 300))
    assert grid.offset_of(GRID) == (-150, pytest.approx(-50, abs=1))
    assert (grid.width, grid.height) == (pytest.approx(50, abs=2), pytest.approx(150, abs=2))
    assert (classes[5:-5, 5:-5] != 255).all()


@pytest.mark.parametrize("options", [{"extent": _extent(600, 0, 700, 10)}, {"area": [box(600, 0, 700, 10)]}])
def test_an_area_off_the_image_is_refused(make_raster, make_layer, predict, tmp_path, options):
    if "area" in options:
        options = {"area": make_layer("areas.gpkg", options["area"])}
    with pytest.raises(InputError, match=r"x 500300 to 500350, .*the raster is 500 x 300 pixels, EPSG:32633, x 500000"):
        predict(make_raster("image.tif", IMAGE), **options)
    assert not (tmp_path / "map.tif").exists()


def test_a_tiny_area_may_be_refused(make_raster, make_layer, predict):
    area = make_layer("areas.gpkg", [box(10.6, 10.6, 11.4, 11.4)])
    with pytest.raises(InputError, match=r"No pixel of .* has its centre within"):
        predict(make_raster("image.tif", IMAGE), area=area)


def _open(path, cards, report, **options):
    request = PredictSegmentation(input=path, model="m.onnx", output="map.tif", **options)
    return open_scene(path, request, cards, report)


def test_each_network_takes_its_own_bands(make_raster, recorder):
    path = make_raster("image.tif", IMAGE[:, :8, :9], names=("blue", "red", "nir"))
    cards = [make_card(bands=bands, **HERE) for bands in (("red", "blue"), ("nir", "red"), ("red", "blue"))]
    with _open(path, cards, recorder) as scene:
        pixels, valid = scene.source.read(Window(0, 0, 9, 8))
        found = [channels.of(pixels, valid) for channels in scene.channels]
    assert scene.source.dtypes == ("uint8",) * 3
    for one, places in zip(found, ((1, 0), (2, 1), (1, 0)), strict=True):
        np.testing.assert_allclose(one, (IMAGE[places, :8, :9].astype(float) - 100) / 50, rtol=1e-6)


def test_what_is_shown_is_data_of_the_area(make_raster, make_layer, recorder):
    pixels = IMAGE.copy()
    pixels[:, 40:60] = 0
    path, area = make_raster("image.tif", pixels, nodata=0), make_layer("areas.gpkg", [box(20, 30, 90, 100)])
    with _open(path, [make_card(**HERE)], recorder, area=area) as scene:
        assert scene.frame == Window(20, 30, 70, 70)
        shown = scene.read_shown(Window(10, 5, 60, 50))
    wanted = np.ones((50, 60), np.bool_)
    wanted[5:25] = False
    assert np.array_equal(shown, wanted)
    assert scene.result_grid == GRID.part(scene.frame)


@pytest.mark.parametrize("grid", ["image", "model"])
def test_on_other_pixels_the_result_has_those_asked_for(make_raster, recorder, grid):
    path = make_raster("image.tif", IMAGE)
    card = make_card(pixel_size=(1.0, 1.5), **HERE)
    with _open(path, [card], recorder, result_grid=grid, extent=_extent(101, 30, 203, 93)) as scene:
        assert (scene.grid.height, scene.grid.width) == (100, 250)
        assert scene.grid.transform @ (250, 100) == GRID.transform @ (500, 300)
        if grid == "image":
            assert scene.result_grid == GRID.part(Window(101, 30, 102, 63))
            assert scene.frame == Window(47, 7, 58, 27)
        else:
            assert scene.frame == Window(50, 10, 52, 21)
            assert scene.result_grid == scene.grid.part(scene.frame)
        assert scene.read_shown(Window(0, 0, 9, 7)).all()
    assert "from pixels of 0.5 m to the model's of 1 x 1.5 m" in recorder.notes[0]


def test_pixels_nearly_alike_are_not_resampled(make_raster, recorder):
    card = make_card(pixel_size=(0.504, 0.5), **HERE)
    with _open(make_raster("image.tif", IMAGE), [card], recorder) as scene:
        assert scene.grid == scene.result_grid == GRID
    assert (recorder.notes, recorder.warnings) == ([], [])


DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_data_type(make_raster, predict, tmp_path, dtype):
    pixels = np.random.default_rng(0).integers(-100 if "u" not in dtype else 20, 120, (1, 50, 70)).astype(dtype)
    pixels[0, 10:20, 5:60] = nodata = 7
    card = make_card(bands=("grey",), classes={1: "low", 2: "high"}, **HERE)
    model = write_pixelwise(tmp_path / "grey.onnx", card, [[0.0], [50.0]], [50.5, 100])  # high above 50
    classes, *_ = predict(make_raster("image.tif", pixels, nodata=nodata), model=model)
    wanted = np.where(pixels[0] == nodata, 255, np.where(pixels[0].astype(float) > 50, 2, 1))
    assert np.array_equal(classes, wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.5, 1.0])
def test_the_least_number_there_is_may_be_nodata(make_raster, predict, tmp_path, size, dtype):
    card = make_card(pixel_size=(size, size), **HERE)
    model = write_pixelwise(tmp_path / "other.onnx", card, [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2])
    least = np.finfo(dtype).min
    pixels = IMAGE[:, :60, :70].astype(dtype)
    pixels[:, 10:20, 10:30] = least
    path = make_raster("image.tif", pixels, nodata=least)
    classes, *_ = predict(path, model=model)
    assert np.array_equal(classes == 255, pixels[0] == least)


def test_bands_of_several_data_types_in_a_virtual_raster(make_raster, predict, tmp_path):
    parts = [make_raster(f"{dtype}.tif", IMAGE[:1, :60, :70].astype(dtype)) for dtype in ("uint8", "int16", "float64")]
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{number}"><SimpleSource><SourceFilename>{path}</SourceFilename>'
        "</SimpleSource></VRTRasterBand>"
        for number, (kind, path) in enumerate(zip(("Byte", "Int16", "Float64"), parts, strict=True), start=1)
    )
    path = tmp_path / "all.vrt"
    path.write_text(f'<VRTDataset rasterXSize="70" rasterYSize="60"><SRS>EPSG:32633</SRS>'
                    f"<GeoTransform>500000,0.5,0,5000000,0,-0.5</GeoTransform>{bands}</VRTDataset>")  # fmt: skip
    alike, *_ = predict(str(path))
    plain, *_ = predict(make_raster("plain.tif", IMAGE[[0, 0, 0], :60, :70]))
    assert np.array_equal(alike, plain)
