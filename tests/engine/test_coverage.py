"""Tiles around the features of a layer."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.tiling.coverage import places_around, read_coverage
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)
LEFT = Grid(UTM, Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 100, 80)
RIGHT = Grid(UTM, Affine(0.5, 0, 500_030, 0, -0.5, 5_000_000), 100, 80)


@pytest.fixture
def places(make_layer, recorder):
    def run(shapes, grids=(LEFT,), size=32, **options):
        features = read_coverage(make_layer("coverage.gpkg", shapes, **options), recorder)
        return [one.tolist() for one in places_around(features, grids, size, recorder)]

    return run


def test_the_pixel_of_the_centre_is_the_middle_of_the_tile(places, recorder):
    shapes = [shapely.Point(40.9, 50.1), shapely.box(10, 20, 16, 26), shapely.Polygon([(0, 0), (9, 0), (0, 9)])]
    assert places(shapes) == [[[34, 24, 32, 32], [7, -3, 32, 32], [-13, -13, 32, 32]]]
    assert places(shapes[:1], size=33) == [[[34, 24, 33, 33]]]
    assert recorder.notes == []


def test_every_image_that_holds_the_centre_gives_a_tile(places, recorder):
    shapes = [shapely.Point(70, 50), shapely.Point(10, 10), shapely.Point(139, 99), shapely.Point(141, 5)]
    assert places(shapes, (LEFT, RIGHT)) == [
        [[34, 54, 32, 32], [-6, -6, 32, 32]],
        [[34, -6, 32, 32], [83, 63, 32, 32]],
    ]
    assert "1 of 4 features" in recorder.notes[0]
    assert "have their centre on no image" in recorder.notes[0]


def test_features_of_one_pixel_share_a_tile(places):
    assert places([shapely.Point(40.1, 50.1), shapely.Point(5, 5), shapely.Point(40.9, 50.9)]) == [
        [[34, 24, 32, 32], [-11, -11, 32, 32]]
    ]


def test_a_layer_in_another_crs_is_brought_to_the_image(make_layer, places, recorder, tmp_path):
    from geoseg.geoseg_plugin.engine.vector import reproject, write_features

    wanted = places([shapely.Point(40.5, 50.5)])
    there = reproject(np.array([shapely.Point(500_020.25, 4_999_974.75)]), UTM, CRS.from_epsg(4326))
    write_features(tmp_path / "d.geojson", there, {}, CRS.from_epsg(4326), geometry_type="Point")
    features = read_coverage(str(tmp_path / "d.geojson"), recorder)
    assert [one.tolist() for one in places_around(features, (LEFT,), 32, recorder)] == wanted


def test_layers_that_cannot_serve_are_refused(places, make_layer, recorder):
    with pytest.raises(InputError, match=r"No feature of .*coverage\.gpkg, which covers 505000"):
        places([shapely.Point(10_000, 0)])
    with pytest.raises(InputError, match="no CRS"):
        places([shapely.Point(1, 1)], crs=None)
    with pytest.raises(InputError, match="no features with a geometry"):
        read_coverage(make_layer("empty.gpkg", [None]), recorder)
    read_coverage(make_layer("some.gpkg", [None, shapely.Point(1, 1)]), recorder)
    assert "1 of 2 features" in recorder.warnings[0]
