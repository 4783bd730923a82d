"""Writing rasters: every block in its place, hidden pixels hidden, and what a plan refuses."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery import writing
from geoseg.geoseg_plugin.engine.imagery.writing import BandNotes, Block, Plan, block_shape, write_raster
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


@pytest.fixture
def write(tmp_path, recorder):
    def run(pixels, shown=None, meanings=None, cog=False, **plan):
        def make_block(window):
            part = window.toslices()
            return Block(pixels[:, *part].copy(), None if shown is None else shown[part])

        grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), *pixels.shape[1:])
        bands = tuple(BandNotes(meaning=one) for one in meanings or (ColorInterp.undefined,) * len(pixels))
        path = str(tmp_path / "out.tif")
        write_raster(Plan(grid, pixels.dtype.name, bands, **plan), path, make_block, cog=cog, report=recorder)
        return rasterio.open(path)

    return run


def noise(count, height, width):
    return np.random.default_rng(0).integers(1, 255, (count, height, width)).astype(np.uint8)


def chequered(height, width):
    return np.indices((height, width)).sum(axis=0) % 3 > 0


@pytest.mark.parametrize("shape", [(1, 1), (700, 900), (256, 3), (3, 600)])
@pytest.mark.parametrize("strips", [True, False])
def test_blocks_join_whatever_their_shape(write, recorder, monkeypatch, shape, strips):
    monkeypatch.setattr(writing, "block_shape", lambda width, _: (256, width if strips else 256))
    pixels = noise(3, *shape)
    with write(pixels) as dataset:
        assert np.array_equal(dataset.read(), pixels)
    assert recorder.fractions == sorted(recorder.fractions)
    assert recorder.fractions[-1] == 1


@pytest.mark.parametrize(
    ("width", "pixel_bytes"), [(1, 1), (8192, 3), (80_000, 3), (90_000, 3), (30_000, 16), (500, 4000)]
)
def test_blocks_are_whole_rows_or_squares_of_bounded_size(width, pixel_bytes):
    rows, cols = block_shape(width, pixel_bytes)
    assert rows % 256 == 0
    assert 256 <= rows <= 2048
    assert cols == width or cols == rows < width
    assert rows == 256 or rows * cols * pixel_bytes <= 64 * 1024 * 1024


def test_hidden_pixels_become_nodata(write):
    pixels, shown = noise(2, 300, 400), chequered(300, 400)
    with write(pixels, shown, nodata=0) as dataset:
        assert np.array_equal(dataset.read(), pixels * shown)


def test_hidden_pixels_are_masked_inside_the_file(write):
    pixels, shown = noise(2, 300, 400), chequered(300, 400)
    with write(pixels, shown, masked=True) as dataset:
        assert np.array_equal(dataset.read(), pixels)
        assert np.array_equal(dataset.dataset_mask() > 0, shown)
        assert len(dataset.files) == 1


@pytest.mark.parametrize("nodata", [None, 7])
def test_hidden_pixels_are_transparent_beside_nodata_too(write, nodata):
    pixels, shown = noise(4, 300, 400), chequered(300, 400)
    with write(pixels, shown, COLOURS, nodata=nodata) as dataset:
        assert np.array_equal(dataset.read(4), pixels[3] * shown)
        hidden = dataset.read([1, 2, 3])[:, ~shown]
        assert (hidden == nodata).all() if nodata else np.array_equal(hidden, pixels[:3, ~shown])


@pytest.mark.parametrize("cog", [False, True])
def test_data_that_look_like_a_new_nodata_value_are_counted(write, recorder, cog):
    pixels, shown = np.full((2, 300, 300), 5, np.uint8), np.ones((300, 300), np.bool_)
    pixels[:, :2, :3], pixels[0, 10] = 9, 9
    shown[0, 0] = False
    write(pixels, shown, nodata=9, nodata_is_new=True, cog=cog).close()
    assert recorder.warnings[0].startswith("5 pixels with data have the value 9")


def test_a_nodata_value_that_was_there_before_is_nothing_to_warn_of(write, recorder):
    write(np.full((1, 9, 9), 5, np.uint8), nodata=5).close()
    assert not recorder.warnings


@pytest.mark.parametrize(("nodata", "found"), [(0, 1), (-9999, 0)])
def test_bands_miss_pixels_each_for_itself(write, recorder, nodata, found):
    pixels, shown = np.full((2, 300, 300), 5, np.int16), np.ones((2, 300, 300), np.bool_)
    shown[0, 10, :6], shown[:, 20] = False, False
    with write(pixels, shown, nodata=nodata, nodata_is_new=True) as dataset:
        assert np.array_equal(dataset.read(), np.where(shown, pixels, nodata))
    assert [text.startswith("6 pixels lack data in some bands and get") for text in recorder.warnings] == [True] * found


def test_blocks_are_bounded_by_what_is_read_too(tmp_path, recorder):
    shapes = []

    def make_block(window):
        shapes.append((window.height, window.width))
        return Block(np.zeros((1, window.height, window.width), np.uint8))

    plan = Plan(Grid(None, Affine(1, 0, 0, 0, -1, 0), 256, 30_000), "uint8", (BandNotes(),))
    for pixel_bytes in (0, 16):
        write_raster(plan, str(tmp_path / "o.tif"), make_block, cog=False, report=recorder, pixel_bytes=pixel_bytes)
    assert shapes[0] == (256, 30_000)
    assert set(shapes[1:]) == {(256, 2048), (256, 30_000 % 2048)}


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", {3, 8}), ("float32", {5.5, 8})])
def test_overviews_of_what_looks_like_classes_invent_none(write, dtype, expected):
    classes = np.where(np.indices((1, 1200, 1200))[2] % 3 == 0, 3, 8).astype(dtype)
    with rasterio.open(write(classes, cog=True).name, overview_level=0) as dataset:
        assert set(np.unique(dataset.read())) == expected


@pytest.mark.parametrize(("dtype", "value", "fits"), [
    ("uint8", 255, True), ("uint8", 256, False), ("uint8", -1, False), ("uint8", 0.5, False), ("int16", -9999, True),
    ("float32", 0.5, True), ("float32", -9999, True), ("float32", 1e39, False),
])  # fmt: skip
def test_nodata_must_be_a_value_of_the_data_type(dtype, value, fits):
    plan = Plan(Grid(None, Affine.identity(), 1, 1), dtype, (BandNotes(),), nodata=1)
    if fits:
        assert plan.with_nodata(value).nodata == value
        assert plan.with_nodata(value).nodata_is_new
    else:
        with pytest.raises(RequestError, match=f"no value of {dtype}"):
            plan.with_nodata(value)
    assert plan.with_nodata(None) is plan
    assert not plan.with_nodata(1).nodata_is_new
