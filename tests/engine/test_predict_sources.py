"""What windows of a scene are read from."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.scenes.part import Part
from geoseg.geoseg_plugin.engine.prediction.scenes.sources import RasterSource
from geoseg.geoseg_plugin.engine.raster import open_raster
from rasterio.windows import Window

PIXELS = np.random.default_rng(0).integers(1, 200, (3, 40, 60)).astype(np.uint8)
PIXELS[:, 10:20, 5:30] = 0
PIXELS[1, 30:, 50:] = 0
MISSING = (PIXELS == 0).all(axis=0)
WINDOW = Window(4, 8, 50, 30)


@pytest.mark.parametrize(("dtype", "missing"), [(np.uint8, MISSING), (np.float32, (PIXELS[[2, 0]] == 0).any(axis=0))])
def test_bands_and_validity(make_raster, dtype, missing):
    with open_raster(make_raster("image.tif", PIXELS.astype(dtype), nodata=0)) as dataset:
        source = RasterSource(dataset, (3, 1), Part.whole(Grid.of(dataset)))
        pixels, valid = source.read(WINDOW)
        assert source.dtypes == (np.dtype(dtype).name,) * 2
        assert np.array_equal(pixels, PIXELS[[2, 0]][:, *WINDOW.toslices()])
        assert np.array_equal(valid, ~missing[WINDOW.toslices()])
        assert np.array_equal(source.find_valid(WINDOW), valid)
        assert source.find_wanted(WINDOW) is None


def test_a_mask_and_no_number_hide(make_raster):
    pixels = PIXELS.astype(np.float32)
    pixels[1, 30, 40] = np.nan
    mask = np.full((40, 60), 255, np.uint8)
    mask[:, 20] = 0
    with open_raster(make_raster("image.tif", pixels, mask=mask)) as dataset:
        whole = Part.whole(Grid.of(dataset))
        assert not RasterSource(dataset, (1,), whole).find_valid(WINDOW)[:, 16].any()
        assert RasterSource(dataset, (1,), whole).find_valid(WINDOW).sum() == 30 * 49
        assert RasterSource(dataset, (1, 2), whole).find_valid(WINDOW).sum() == 30 * 49 - 1


def test_without_gaps_nothing_is_missing(make_raster):
    with open_raster(make_raster("image.tif", PIXELS)) as dataset:
        assert RasterSource(dataset, (1, 2, 3), Part(WINDOW)).find_valid(WINDOW).all()


def test_the_part_wanted_is_passed_on(make_raster):
    part = Part(Window(10, 10, 5, 5))
    with open_raster(make_raster("image.tif", PIXELS)) as dataset:
        assert RasterSource(dataset, (1,), part).find_wanted(WINDOW).sum() == 25
