"""Which features may reach a raster, against geodesic distances and on both sides of the date line."""

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.labels.reach import Places
from rasterio.crs import CRS

WGS84 = pyproj.CRS.from_epsg(4326)


def around(longitude, latitude, side=1e-5, size=1000):
    half = side * size / 2
    return Grid(CRS.from_epsg(4326), Affine(side, 0, longitude - half, 0, -side, latitude + half), size, size)


@pytest.mark.parametrize(("code", "latitude"), [(4326, 10.0), (3857, 80.0), (32633, 60.0)])
def test_all_that_reach_and_few_others_are_found(code, latitude):
    grid = around(15, latitude)
    random = np.random.default_rng(1)
    degrees = random.uniform([14.8, latitude - 0.1], [15.2, latitude + 0.1], (3000, 2))
    crs = pyproj.CRS.from_epsg(code)
    points = np.column_stack(pyproj.Transformer.from_crs(WGS84, crs, always_xy=True).transform(*degrees.T))
    found = Places.of(shapely.points(points), crs).may_reach(grid, 1000.0)
    nearest = np.clip(degrees, [14.995, latitude - 0.005], [15.005, latitude + 0.005])
    metres = pyproj.Geod(ellps="WGS84").inv(*degrees.T, *nearest.T)[2]
    assert found[metres <= 1000].all()
    assert not found[metres > 1600].any()


def test_long_lines_are_found_where_their_middle_is_far():
    line = shapely.LineString([(15.0, 50.0), (40.0, 55.0)])
    assert Places.of(np.array([line]), WGS84).may_reach(around(15, 50), 10.0).all()


@pytest.mark.parametrize("longitude", [180, -180, 179.999, -179.999, 540.001])
def test_the_date_line_parts_nothing(longitude):
    points = shapely.points([(179.9999, 10), (-179.9999, 10), (180.0001, 10), (178, 10)])
    found = Places.of(points, WGS84).may_reach(around(longitude, 10), 50.0)
    assert found.tolist() == [True, True, True, False]


def test_grids_without_a_place_and_shapes_without_one():
    points = shapely.points([(1, 1), (2, 2)])
    assert Places.of(points, WGS84).may_reach(Grid(None, Affine.identity(), 9, 9), 1.0).all()
    beyond = Grid(CRS.from_epsg(32633), Affine(1e30, 0, 0, 0, -1e30, 0), 9, 9)
    assert Places.of(points, WGS84).may_reach(beyond, 1.0).all()
    with pytest.raises(InputError, match="1 lines or points have no place on the ground"):
        Places.of(shapely.points([(1e30, 1e30), (5e5, 5e6)]), pyproj.CRS.from_epsg(32633))
