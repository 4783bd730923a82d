"""Rasters seen on another grid: the pixels that lie there, and nothing where there is no raster."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.view import has_mask_band, holds_classes, view_on_grid
from geoseg.geoseg_plugin.engine.raster import open_raster
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

UTM = CRS.from_epsg(32633)
SIDE = 40


def grid_at(col, row, side=SIDE, crs=UTM):
    """A grid whose corner lies at a column and row of the grid of `make_raster`."""
    return Grid(crs, Affine(0.5, 0, 500_000 + col / 2, 0, -0.5, 5_000_000 - row / 2), side, side)


def look(path, grid, resampling="nearest"):
    with open_raster(path) as source, view_on_grid(source, grid, resampling) as view:
        return view.read(Window(0, 0, grid.width, grid.height))


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("shift", [10, 10.3])
def test_there_is_nothing_beyond_the_edges(make_raster, bands, dtype, shift):
    pixels = np.random.default_rng(0).integers(0, 100, (bands, SIDE, SIDE)).astype(dtype)
    path = make_raster("in.tif", pixels, photometric="MINISBLACK")
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.undefined] * bands
    image, shown = look(path, grid_at(-shift, 5))
    assert not shown[:, :10].any()
    assert not shown[-5:].any()
    assert shown[:-5, 10:].all()
    assert np.array_equal(image[:bands, :-5, 10:], pixels[:, 5:, : SIDE - 10])


@pytest.mark.parametrize("bands", [3, 4])
def test_transparent_pixels_are_not_shown_when_resampled(make_raster, bands):
    pixels = np.full((bands + 1, SIDE, SIDE), 200, np.uint8)
    pixels[:, :20] = 0
    path = make_raster("in.tif", pixels, photometric="MINISBLACK")
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [*dataset.colorinterp[:-1], ColorInterp.alpha]
    with open_raster(path) as source, view_on_grid(source, grid_at(0.3, 0.3), "nearest") as view:
        _, valid = view.read_bands(Window(0, 0, 30, 30), range(1, bands + 1))
    assert np.array_equal(np.logical_or.reduce(valid), np.repeat(np.arange(30) >= 20, 30).reshape(30, 30))


def test_a_grid_without_crs_cannot_be_resampled_to(make_raster):
    path = make_raster("in.tif", np.ones((1, SIDE, SIDE), np.uint8))
    with pytest.raises(InputError, match="the grid has no CRS"):
        look(path, grid_at(0.3, 0, crs=None))


def test_masks_and_classes_are_recognised(make_raster):
    pixels = np.ones((1, SIDE, SIDE), np.uint8)
    made = {
        "plain": make_raster("plain.tif", pixels),
        "nodata": make_raster("nodata.tif", pixels, nodata=0),
        "mask": make_raster("mask.tif", pixels, mask=pixels[0] * 255),
        "alpha": make_raster("alpha.tif", np.repeat(pixels, 4, axis=0), photometric="RGB", alpha="YES"),
        "classes": make_raster("classes.tif", pixels, colours={1: (9, 9, 9, 255)}),
    }
    for name, path in made.items():
        with open_raster(path) as source:
            assert has_mask_band(source) == (name == "mask")
            assert holds_classes(source) == (name == "classes")
