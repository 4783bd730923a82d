"""Buffers around lines and points, against geodesic distances computed by themselves."""

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.labels.buffers import widen
from geoseg.geoseg_plugin.engine.run import run
from geoseg.geoseg_plugin.engine.vector import reproject
from pyproj import Geod
from rasterio.crs import CRS

WGS84 = CRS.from_epsg(4326)
GEOD = Geod(ellps="WGS84")
BUFFER_M = 40.0


def geodesic_distances(area, crs, points):
    """Return how far (m) the outline of an area is from the nearest of some points in degrees (N, 2)."""
    (degrees,) = reproject(np.array([area]), crs, WGS84)
    outline = shapely.get_coordinates(degrees.exterior)
    pairs = np.repeat(outline, len(points), axis=0), np.tile(points, (len(outline), 1))
    _, _, metres = GEOD.inv(pairs[0][:, 0], pairs[0][:, 1], pairs[1][:, 0], pairs[1][:, 1])
    return np.reshape(metres, (len(outline), len(points))).min(axis=1)


@pytest.mark.parametrize("code", [4326, 3857, 32633, 27700, 2056, 3035, 2263])
@pytest.mark.parametrize("latitude", [0.3, 47.2, 69.9])
def test_points_become_circles_on_the_ground(recorder, code, latitude):
    place = {27700: (-3.0, 54.0), 2056: (8.0, 46.9), 2263: (-74.0, 40.7)}.get(code, (15.2, latitude))
    crs = CRS.from_epsg(code)
    (point,) = reproject(np.array([shapely.Point(place)]), WGS84, crs)
    (circle,) = widen(np.array([point]), crs, BUFFER_M, recorder)
    metres = geodesic_distances(circle, crs, np.array([place]))
    np.testing.assert_allclose(metres, BUFFER_M, rtol=2e-4)
    assert len(metres) == 65


@pytest.mark.parametrize("code", [4326, 3857, 32633])
def test_lines_are_as_wide_everywhere(recorder, code):
    crs = CRS.from_epsg(code)
    line = shapely.LineString([(15.0, 60.0), (15.3, 60.1), (15.1, 60.3)])
    (there,) = reproject(np.array([line]), WGS84, crs)
    (band,) = widen(np.array([there]), crs, BUFFER_M, recorder)
    dense = reproject(np.array([shapely.segmentize(there, there.length / 6_000)]), crs, WGS84)
    metres = geodesic_distances(band, crs, shapely.get_coordinates(dense))
    # Points lie up to 9 m apart along the line, and curves have 16 corners in a quarter.
    np.testing.assert_allclose(metres, BUFFER_M, atol=0.3)


def test_polygons_stay_and_parts_of_collections_are_widened(recorder):
    box, line = shapely.box(0, 0, 1, 1), shapely.LineString([(5, 5), (9, 5)])
    shapes = np.array([box, shapely.GeometryCollection([box, line]), shapely.MultiPoint([(0, 0), (9, 9)])])
    widened = widen(shapes, None, 1.0, recorder)
    assert widened[0].equals_exact(box, 0)
    parts = shapely.get_parts(widened[1])
    assert parts[0].equals(box)
    assert parts[1].area == pytest.approx(8 + np.pi, rel=2e-3)
    assert widened[2].area == pytest.approx(2 * np.pi, rel=2e-3)
    assert shapes[1].geoms[1] == line


def test_areas_over_the_date_line_stay_in_one_piece(recorder):
    shapes = np.array([shapely.Point(179.9999, 10), shapely.Point(-179.9999, 10), shapely.Point(180.0001, 10)])
    widened = widen(shapes, WGS84, 100.0, recorder)
    for shape, near in zip(widened, (179.9999, -179.9999, 180.0001), strict=True):
        west, _, east, _ = shape.bounds
        assert (west + east) / 2 == pytest.approx(near, abs=1e-6)
        assert east - west < 0.002


@pytest.mark.parametrize("shape", [
    shapely.MultiPoint([(-120, 40), (-80, 41), (10, 50)]),
    shapely.GeometryCollection([shapely.MultiPoint([(-120, 40), (-80, 41)]), shapely.Point(10, 50)]),
])  # fmt: skip
def test_parts_far_apart_are_as_wide_as_near_ones(recorder, shape):
    (widened,) = widen(np.array([shape]), WGS84, BUFFER_M, recorder)
    circles = sorted(shapely.get_parts(widened), key=lambda circle: circle.centroid.x)
    for circle, point in zip(circles, [(-120, 40), (-80, 41), (10, 50)], strict=True):
        np.testing.assert_allclose(geodesic_distances(circle, WGS84, np.array([point])), BUFFER_M, rtol=2e-4)


def test_joined_parts_of_a_line_are_one_area(recorder):
    (widened,) = widen(np.array([shapely.MultiLineString([[(0, 0), (5, 0)], [(5, 0), (9, 0)]])]), None, 1.0, recorder)
    assert widened.geom_type == "Polygon"
    assert widened.area == pytest.approx(18 + np.pi, rel=2e-3)


def test_lines_over_half_the_world_stay_in_one_piece(recorder):
    (widened,) = widen(np.array([shapely.LineString([(-100, 0), (100, 0)])]), WGS84, 1000.0, recorder)
    np.testing.assert_allclose(widened.bounds[0::2], [-100.009, 100.009], atol=1e-3)


def test_what_does_not_reach_an_image_stays_thin(recorder, make_recorder):
    transform = Affine.translation(500_000, 5_000_000) @ Affine.rotation(20) @ Affine.scale(0.5, -0.5)
    grid = Grid(CRS.from_epsg(32633), transform, 400, 600)
    lines = [((0, 0), (30, 40)), ((600, 0), (900, 60)), ((2e6, 0), (3e6, 50))]
    places = shapely.multilinestrings([shapely.linestrings([line]) for line in lines])
    both = shapely.MultiPoint([(0, 0), (2e6, 0)])
    shapes = shapely.transform(np.array([*places, both]), lambda points: np.add(points, (500_000, 5_000_000)))
    all_widened = widen(shapes, grid.crs, 200.0, recorder)
    widened = widen(shapes, grid.crs, 200.0, recorder, grid)
    assert widened[2] == shapes[2]
    for at in (0, 1, 3):
        assert widened[at].equals_exact(all_widened[at], 0)
    with pytest.raises(Cancelled):
        widen(shapes[:2], grid.crs, 200.0, make_recorder(lambda _: True), grid)
    widen(shapes[2:3], grid.crs, 200.0, make_recorder(lambda _: True), grid)


def test_the_order_and_the_number_of_features_stay(recorder):
    random = np.random.default_rng(0)
    points = shapely.points(random.uniform([-3, 40], [3, 43], (500, 2)))
    widened = widen(points, WGS84, 5.0, recorder)
    assert shapely.contains(widened, points).all()


def test_places_that_are_none_are_refused_and_work_can_stop(recorder, make_recorder):
    with pytest.raises(InputError, match="no place on the ground"):
        widen(np.array([shapely.Point(1e30, 1e30)]), CRS.from_epsg(32633), 5.0, recorder)
    with pytest.raises(Cancelled):
        widen(np.array([shapely.Point(1, 1)]), WGS84, 5.0, make_recorder(lambda _: True))


def test_polygons_alone_are_not_widened_and_that_is_told(make_layer, make_raster, tmp_path, recorder):
    like = make_raster("plain.tif", np.ones((3, 40, 60), np.uint8))
    for name, shapes, told in (("a", [shapely.box(0, 0, 9, 9)], 1), ("b", [shapely.Point(5, 5)], 0)):
        recorder.warnings.clear()
        layer = make_layer(f"{name}.gpkg", shapes)
        run(RasterizeLabels(labels=layer, like=like, buffer=1, output=str(tmp_path / "o.tif")), recorder)
        assert sum("BUFFER has no effect" in text for text in recorder.warnings) == told


def test_labels_far_from_the_image_are_not_widened(make_layer, make_raster, tmp_path, recorder, make_recorder):
    like = make_raster("plain.tif", np.ones((3, 40, 60), np.uint8))
    layer = make_layer("far.gpkg", [shapely.Point(20, 20), *[shapely.Point(5e5 * at, 0) for at in range(1, 9)]])
    asked = []
    report = make_recorder(lambda _: asked.append(1))
    run(RasterizeLabels(labels=layer, like=like, buffer=4, output=str(tmp_path / "o.tif")), report)
    near = make_layer("near.gpkg", [shapely.Point(20, 20)])
    count = len(asked)
    run(RasterizeLabels(labels=near, like=like, buffer=4, output=str(tmp_path / "n.tif")), report)
    assert len(asked) == 2 * count  # once more for each place that features are widened near
    with rasterio.open(tmp_path / "o.tif") as one, rasterio.open(tmp_path / "n.tif") as other:
        assert np.array_equal(one.read(1), other.read(1))


def test_without_a_crs_the_buffer_is_in_map_units(make_layer, make_raster, tmp_path, recorder):
    like = make_raster("plain.tif", np.ones((3, 40, 60), np.uint8), crs=None)
    layer = make_layer("p.gpkg", [shapely.Point(20, 20)], crs=None)
    run(RasterizeLabels(labels=layer, like=like, buffer=4, output=str(tmp_path / "o.tif")), recorder)
    rows, cols = np.mgrid[0:40, 0:60] + 0.5
    with rasterio.open(tmp_path / "o.tif") as made:
        assert abs((made.read(1) == 1).sum() - (np.hypot(rows - 20, cols - 20) < 8).sum()) <= 4


def test_real_roads_fit_their_mask_best_at_one_width(data, tmp_path, recorder):
    folder = data / "spacenet3_roads"
    with rasterio.open(folder / "vegas_road_mask.tif") as dataset:
        truth = dataset.read(1) > 0
    overlaps = {}
    for buffer in (1, 1.5, 2, 2.5, 3, 4):
        request = RasterizeLabels(
            labels=str(folder / "vegas_roads.geojson"), like=str(folder / "vegas_road_mask.tif"), buffer=buffer,
            output=str(tmp_path / "o.tif"),
        )  # fmt: skip
        run(request, recorder)
        with rasterio.open(tmp_path / "o.tif") as made:
            label = made.read(1) == 1
        overlaps[buffer] = (label & truth).sum() / (label | truth).sum()
    assert max(overlaps, key=overlaps.get) == 2
    assert overlaps[2] > 0.9999
