"""Where tiles lie on the ground."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.engine.datasets.footprints import Footprints, footprints, outline_tiles, outlines_of
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS
from rasterio.warp import transform

UTM, OTHER = CRS.from_epsg(32633), CRS.from_epsg(32634)
GRID = Grid(UTM, Affine(2, 0, 500_100, 0, -3, 5_000_050), 64, 64)
PLACES = np.array([[1, 2, 4, 5], [10, 0, 6, 7]])  # row, column, height, width
CORNERS = [
    [(500_104, 5_000_047), (500_114, 5_000_047), (500_114, 5_000_035), (500_104, 5_000_035)],
    [(500_100, 5_000_020), (500_114, 5_000_020), (500_114, 5_000_002), (500_100, 5_000_002)],
]
FAR = Grid(OTHER, Affine(10, 0, 300_000, 0, -10, 5_100_000), 1000, 1000)


@pytest.fixture
def several():
    """Three tiles on two grids: two on that of the dataset's CRS, one on another."""
    return Footprints(((GRID, PLACES), (FAR, np.array([[0, 0, 1000, 1000]]))), UTM)


@pytest.mark.parametrize("crs", [UTM, None])
def test_outlines_are_the_corners_of_tiles(crs):
    grid = Grid(crs, GRID.transform, GRID.height, GRID.width)
    assert outline_tiles(grid, PLACES, crs).tolist() == [[list(point) for point in tile] for tile in CORNERS]


def test_outlines_of_turned_tiles_are_turned():
    turned = Grid(UTM, Affine(0, 2, 500_000, 2, 0, 5_000_000), 8, 8)
    expected = [[500_002, 5_000_000], [500_002, 5_000_006], [500_010, 5_000_006], [500_010, 5_000_000]]
    assert outline_tiles(turned, np.array([[1, 0, 4, 3]]), UTM).tolist() == [expected]


@pytest.mark.parametrize("crs", [UTM, CRS.from_epsg(4326)], ids=["UTM", "degrees"])
def test_outlines_in_another_crs_follow_the_curves_of_the_sides(crs):
    (outline,) = outline_tiles(FAR, np.array([[0, 0, 1000, 1000]]), crs)
    way = np.arange(8) * 1250.0
    x = 300_000 + np.concatenate([way, np.full(8, 1e4), 1e4 - way, np.zeros(8)])
    y = 5_100_000 - np.concatenate([np.zeros(8), way, np.full(8, 1e4), 1e4 - way])
    expected = np.column_stack(transform(OTHER, crs, x, y))
    assert np.allclose(outline, expected, rtol=0, atol=1e-8 if crs.is_geographic else 1e-3)
    corners = shapely.Polygon(outline[::8])
    assert corners.exterior.hausdorff_distance(shapely.Polygon(outline).exterior) > 0


def test_no_tiles_have_no_outlines():
    none = np.zeros((0, 4), dtype=np.int64)
    assert outline_tiles(FAR, none, UTM).shape == (0, 32, 2)
    assert len(Footprints(((FAR, none),), UTM)[:]) == 0
    assert [part.shape for part in Footprints((), None).outlines()] == [(0, 2), (0,)]


def test_a_part_of_the_footprints_is_that_of_all(several):
    polygons = several[:]
    assert len(polygons) == len(several) == 3
    assert shapely.equals_exact(polygons[:2], [shapely.Polygon(tile) for tile in CORNERS]).all()
    assert shapely.get_num_coordinates(polygons).tolist() == [5, 5, 33]
    for chosen in (slice(0, 1), slice(1, 3), slice(2, 3), slice(2, None), slice(3, 9)):
        assert shapely.equals_exact(several[chosen], polygons[chosen]).all()
        assert len(several[chosen]) == len(polygons[chosen])


def test_corners_know_their_tiles(several):
    points, of_tile = several.outlines()
    assert of_tile.tolist() == [0] * 4 + [1] * 4 + [2] * 32
    assert points[:8].tolist() == [list(point) for tile in CORNERS for point in tile]
    for number, polygon in enumerate(several[:]):
        assert np.array_equal(shapely.get_coordinates(polygon)[:-1], points[of_tile == number])


def test_corners_of_polygons_know_them():
    points, of_polygon = outlines_of(shapely.box([0, 5], [0, 5], [1, 7], [2, 9]))
    assert of_polygon.tolist() == [0] * 5 + [1] * 5
    assert points.min(0).tolist() == [0, 0]
    assert points[of_polygon == 1].max(0).tolist() == [7, 9]


def test_footprints_of_many_grids_are_those_of_each():
    grids = [
        Grid(crs, Affine(2, 0, 500_000 + 300 * number, 0, -3, 5_000_000) @ Affine.rotation(number), 64, 40 + number)
        for number, crs in enumerate([UTM, OTHER, UTM, OTHER])
    ]
    one_by_one = [
        shapely.Polygon(outline_tiles(grid, np.array([[0, 0, grid.height, grid.width]]), UTM)[0]) for grid in grids
    ]
    assert shapely.equals_exact(footprints(grids, UTM), one_by_one, tolerance=1e-6).all()
    assert [shapely.get_num_coordinates(one) for one in footprints(grids, UTM)] == [5, 33, 5, 33]
