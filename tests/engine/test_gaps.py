"""Which pixels have no data, and where that can be."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.class_raster import create_class_raster
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.gaps import find_zeros, may_have_gaps, read_shown, zeros_are_gaps
from geoseg.geoseg_plugin.engine.raster import open_raster
from rasterio.windows import Window

ALL = Window(0, 0, 3, 2)


def pixels(bands, dtype):
    """Return (C, 2, 3): 0 in all bands at (0, 0), 0 in one of them at (1, 1), else 5."""
    image = np.full((bands, 2, 3), 5, dtype)
    image[:, 0, 0] = 0
    image[0, 1, 1] = 0
    return image


@pytest.mark.parametrize(("bands", "dtype", "count"), [
    (1, "uint8", False), (1, "int16", False), (1, "float32", True), (2, "uint8", True), (3, "uint16", True),
])  # fmt: skip
def test_zero_may_be_a_value_of_a_single_band_of_whole_numbers(make_raster, bands, dtype, count):
    with open_raster(make_raster("a.tif", pixels(bands, dtype))) as dataset:
        assert zeros_are_gaps([dataset]) == count
        assert zeros_are_gaps([dataset, dataset])
        hidden = np.argwhere(~read_shown(dataset, ALL, zero_nodata=True)).tolist()
        assert hidden == ([[0, 0]] if count and bands > 1 else [[0, 0], [1, 1]] if count else [])
        assert read_shown(dataset, ALL, zero_nodata=False).all()


def test_classes_have_no_gaps(make_raster, tmp_path):
    table = ClassTable.named({0: "background", 1: "roof"})
    with open_raster(make_raster("a.tif", pixels(1, "uint8"))) as image:
        grid = Grid.of(image)
    create_class_raster(tmp_path / "classes.tif", grid, table, {}).close()
    with open_raster(str(tmp_path / "classes.tif")) as classes:
        assert not zeros_are_gaps([classes, classes])


def test_only_a_zero_in_all_bands_is_one():
    assert np.argwhere(find_zeros(pixels(3, "uint8"))).tolist() == [[0, 0]]
    assert not find_zeros(np.full((2, 1, 1), np.nan)).any()


@pytest.mark.parametrize(("bands", "dtype", "nodata", "zero_nodata", "possible"), [
    (3, "uint8", None, False, False), (3, "uint8", None, True, True), (1, "uint8", None, True, False),
    (3, "uint8", 9, False, True), (3, "float32", None, False, True),
])  # fmt: skip
def test_gaps_are_looked_for_where_they_can_be(make_raster, bands, dtype, nodata, zero_nodata, possible):
    with open_raster(make_raster("a.tif", pixels(bands, dtype), nodata=nodata)) as dataset:
        assert may_have_gaps(dataset, zero_nodata=zero_nodata) == possible


def test_nodata_and_nan_are_gaps_in_any_band(make_raster):
    image = pixels(2, "float32")
    image[1, 1, 2] = np.nan
    with open_raster(make_raster("a.tif", image, nodata=5)) as dataset:
        assert not read_shown(dataset, ALL, zero_nodata=False).any(axis=1)[1]
    with open_raster(make_raster("b.tif", image)) as dataset:
        assert np.argwhere(~read_shown(dataset, ALL, zero_nodata=True)).tolist() == [[0, 0], [1, 2]]
