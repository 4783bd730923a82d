"""Grids: bounds, parts and sameness, also of rotated and south-up rasters."""

import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.grid import Grid, read_crs, same_crs
from rasterio.crs import CRS
from rasterio.windows import Window

UTM = CRS.from_epsg(32633)
NORTH_UP = Grid(UTM, Affine(0.5, 0, 1000, 0, -0.5, 2000), 20, 40)
SOUTH_UP = Grid(UTM, Affine(0.5, 0, 1000, 0, 0.5, 1990), 20, 40)
TURNED = Grid(UTM, Affine.translation(1000, 2000) @ Affine.rotation(90) @ Affine.scale(0.5, -0.5), 20, 40)


@pytest.mark.parametrize(("grid", "bounds"), [
    (NORTH_UP, (1000, 1990, 1020, 2000)),
    (SOUTH_UP, (1000, 1990, 1020, 2000)),
    (TURNED, (1000, 2000, 1010, 2020)),
])  # fmt: skip
def test_bounds(grid, bounds):
    assert grid.bounds == pytest.approx(bounds)


def test_pixel_size_is_positive():
    assert NORTH_UP.pixel_size == SOUTH_UP.pixel_size == (0.5, 0.5)
    assert TURNED.pixel_size == pytest.approx((0.5, 0.5))


def test_a_part_lies_where_its_pixels_lie():
    part = NORTH_UP.part(Window(4, 2, 10, 5))
    assert part.bounds == (1002, 1996.5, 1007, 1999)
    assert (part.height, part.width) == (5, 10)


def test_sameness_allows_a_hundredth_of_a_pixel():
    def moved(distance):
        return Grid(UTM, Affine.translation(distance, 0) @ NORTH_UP.transform, 20, 40)

    assert NORTH_UP.is_same(moved(0.004))
    assert not NORTH_UP.is_same(moved(0.006))
    assert not NORTH_UP.is_same(SOUTH_UP)
    assert not NORTH_UP.is_same(Grid(None, NORTH_UP.transform, 20, 40))
    assert not NORTH_UP.is_same(Grid(UTM, NORTH_UP.transform, 20, 41))


@pytest.mark.parametrize(("grid", "crs"), [(NORTH_UP, "EPSG:32633"), (Grid(None, TURNED.transform, 3, 4), None)])
def test_plain_values(grid, crs):
    transform = list(grid.transform)[:6]
    assert grid.to_json() == {"crs": crs, "transform": transform, "height": grid.height, "width": grid.width}


def test_words_for_messages():
    assert NORTH_UP.describe() == "40 x 20 pixels, EPSG:32633, x 1000 to 1020, y 1990 to 2000"
    assert "no CRS" in Grid(None, NORTH_UP.transform, 3, 4).describe()


def test_crs():
    assert same_crs(None, None)
    assert not same_crs(UTM, None)
    assert same_crs(read_crs("EPSG:32633"), read_crs(UTM.to_wkt()))
    with pytest.raises(InputError, match="EPSG:999999"):
        read_crs("EPSG:999999")
