"""Features in pixels, in the forms in which they are burnt."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.labels.shapes import describe, find_finite, take_apart, to_pixels

RING = shapely.LinearRing([(0, 0), (1, 0), (1, 1)])
HOLED = shapely.Polygon([(0, 0), (9, 0), (9, 9)], [[(5, 1), (6, 1), (6, 2)], [(7, 1), (8, 1), (8, 2)]])
SHAPES = np.array([shapely.Point(1, 2), HOLED, shapely.LineString([(0, 0), (5, 5)]), shapely.box(0, 0, 1, 1), RING])


def test_geojson_says_the_same_as_shapely_and_keeps_the_order():
    described = describe(SHAPES)
    assert [one["type"] for one in described] == ["Point", "Polygon", "LineString", "Polygon", "LineString"]
    for one, shape in zip(described, SHAPES, strict=True):
        back = shapely.geometry.shape(one)
        assert shapely.get_coordinates(back).tolist() == shapely.get_coordinates(shape).tolist()
    assert shapely.geometry.shape(described[1]).equals(HOLED)
    assert describe(SHAPES[:0]) == []


def test_collections_are_taken_apart_and_know_whose_they_are():
    inner = shapely.GeometryCollection([shapely.MultiPoint([(0, 0), (1, 1)]), shapely.Polygon()])
    shapes, owners = take_apart(np.array([HOLED, shapely.GeometryCollection([HOLED, inner]), shapely.Point()]))
    assert [shape.geom_type for shape in shapes] == ["Polygon", "Polygon", "Point", "Point"]
    assert owners.tolist() == [0, 1, 1, 1]


def test_shapes_with_endless_coordinates_are_found():
    shapes = np.array([shapely.Point(1, 2), shapely.LineString([(0, 0), (np.inf, 1)]), HOLED])
    assert find_finite(shapes).tolist() == [True, False, True]


@pytest.mark.parametrize("transform", [
    Affine(0.5, 0, 5e6, 0, -0.5, 7e6), Affine.translation(5e6, 7e6) @ Affine.rotation(30) @ Affine.scale(2, -3),
])  # fmt: skip
def test_pixels_are_where_the_grid_says(transform):
    places = np.array([(0.0, 0.0), (12.25, 3.5), (-7.0, 100.0)])
    points = shapely.points([transform @ tuple(place) for place in places])
    found = shapely.get_coordinates(to_pixels(points, Grid(None, transform, 10, 10)))
    np.testing.assert_allclose(found, places, atol=1e-8)
