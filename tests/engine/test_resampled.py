"""Grids of another pixel size."""

import math

import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.engine.datasets.tiling.resampled import check_units, is_coarser, target_grid
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import Scene
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)


def scene(transform, height=100, width=80, crs=UTM):
    return Scene("a", "a.tif", Grid(crs, transform, height, width), (1,), ("band 1",), "uint8")


NORTH_UP = Affine(0.3, 0, 500_000.1, 0, -0.3, 5_000_000.7)


def test_the_corner_and_the_size_asked_for_are_exact():
    grid = target_grid(scene(NORTH_UP), 0.7)
    assert grid.transform == Affine(0.7, 0, 500_000.1, 0, -0.7, 5_000_000.7)
    assert (grid.height, grid.width) == (43, 34)
    assert target_grid(scene(NORTH_UP), None) == scene(NORTH_UP).grid


@pytest.mark.parametrize(
    "transform",
    [
        Affine(2, 0, 10, 0, 2, 20),
        Affine.translation(5, 7) @ Affine.rotation(30) @ Affine.scale(2, -2),
        Affine(2, 0, 10, 0, -4, 20),
    ],
)
def test_the_directions_of_rows_and_columns_stay(transform):
    old, new = scene(transform).grid, target_grid(scene(transform), 4.0)
    assert new.pixel_size == pytest.approx((4, 4))
    assert new.transform @ (0, 0) == old.transform @ (0, 0)
    for one, other in zip(
        new.transform @ (new.width, new.height), old.transform @ (old.width, old.height), strict=True
    ):  # fmt: skip
        assert one == pytest.approx(other)


def test_pixels_larger_than_the_image_are_refused():
    assert target_grid(scene(Affine(0.3, 0, 0, 0, -0.3, 0)), 45.0).width == 1
    with pytest.raises(InputError, match=r"PIXEL_SIZE is 61, but a\.tif is only 24 x 30"):
        target_grid(scene(Affine(0.3, 0, 0, 0, -0.3, 0)), 61.0)


def test_coarser_grids_are_told_also_across_crs():
    degrees = Grid(CRS.from_epsg(4326), Affine(9e-5, 0, 15, 0, -9e-5, 45), 200, 200)
    metres = [Grid(UTM, Affine(size, 0, 500_000, 0, -size, 4_983_000), 100, 100) for size in (5, 10, 20)]
    # A pixel of 9e-5 degrees is 10 m high there, and 7.1 m wide.
    assert [is_coarser(grid, degrees) for grid in metres] == [False, True, True]
    assert [is_coarser(grid, metres[1]) for grid in metres] == [False, False, True]
    turned = Grid(UTM, metres[1].transform @ Affine.rotation(45), 100, 100)
    assert not is_coarser(turned, metres[1])
    assert math.isclose(abs(turned.transform.determinant), 100)


def test_one_size_cannot_be_metres_and_degrees():
    metric, degrees = scene(NORTH_UP), scene(Affine(1e-5, 0, 15, 0, -1e-5, 45), crs=CRS.from_epsg(4326))
    check_units((metric, scene(NORTH_UP, crs=CRS.from_epsg(32634))))
    with pytest.raises(RequestError, match=r"metres.*degrees"):
        check_units((metric, degrees))
