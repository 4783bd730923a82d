"""Windows for rectangles on the ground, in any CRS and on any grid."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.fields import Extent
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.cutout import Outline, bounds_window, find_window, whole_pixels
from pyproj import Transformer
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)
UTM_60 = CRS.from_epsg(32660)
POLAR = CRS.from_epsg(3995)
WORLD = Grid(CRS.from_epsg(4326), Affine(1, 0, -180, 0, -1, 90), 180, 360)
SCENE = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_000), 300, 400)


def box(window):
    return (
        int(window.col_off),
        int(window.row_off),
        int(window.col_off + window.width),
        int(window.row_off + window.height),
    )


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32632", "EPSG:3035"])
def test_a_rectangle_in_another_crs_is_covered_and_not_by_much_more(crs):
    turn = Transformer.from_crs(UTM.to_wkt(), crs, always_xy=True)
    x, y = turn.transform([501_000, 502_000], [4_998_500, 4_999_000])
    window = find_window(Outline.of_extent(Extent(*x, *y, crs), None), SCENE, "in.tif")
    xs, ys = np.meshgrid(np.linspace(*x, 200), np.linspace(*y, 200))
    back = Transformer.from_crs(crs, UTM.to_wkt(), always_xy=True).transform(xs, ys)
    cols, rows = ~SCENE.transform @ back
    left, top, right, bottom = box(window)
    assert left <= cols.min() + 0.01 < left + 1.01
    assert right - 1.02 <= cols.max() <= right + 0.02
    assert top <= rows.min() + 0.01 < top + 1.01
    assert bottom - 1.02 <= rows.max() <= bottom + 0.02


@pytest.mark.parametrize("edges", [
    (10, 20, 45, 47.8), (10, 20, 47.8, 50), (15.02, 25, 40, 60), (5, 15.02, 40, 60),
    (-60, 100, -60, 47.8), (0, 180, -90, 47.8), (15.02, 180, -80, 84), (-180, 180, 47.8, 90),
])  # fmt: skip
def test_a_wide_rectangle_cuts_off_what_lies_outside_it(edges):
    grid = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_300_000), 1000, 1000)
    left, top, right, bottom = box(find_window(Outline.of_extent(Extent(*edges, "EPSG:4326"), None), grid, "in.tif"))
    cols, rows = np.meshgrid(np.arange(1000) + 0.5, np.arange(1000) + 0.5)
    lon, lat = Transformer.from_crs(UTM.to_wkt(), "EPSG:4326", always_xy=True).transform(
        *(grid.transform @ (cols, rows))
    )
    rows, cols = np.nonzero((lon > edges[0]) & (lon < edges[1]) & (lat > edges[2]) & (lat < edges[3]))
    assert (cols.min() - left, rows.min() - top) in {(0, 0), (1, 0), (0, 1), (1, 1)}
    assert (right - cols.max() - 1, bottom - rows.max() - 1) in {(0, 0), (1, 0), (0, 1), (1, 1)}


@pytest.mark.parametrize(("low", "high", "pixels"), [
    (2, 5, (2, 5)), (2.005, 5.005, (2, 5)), (1.995, 4.995, (2, 5)), (2.02, 5.02, (2, 6)), (2.3, 2.3, (2, 3)),
    (2.995, 3.005, (2, 3)), (-3, -1, (-3, -1)),
])  # fmt: skip
def test_pixels_between_edges_are_whole_and_no_slivers(low, high, pixels):
    assert whole_pixels(low, high) == pixels


@pytest.mark.parametrize("crs", [UTM, UTM_60, POLAR])
def test_the_whole_world_covers_a_whole_scene(crs):
    # Corners of the world have false places in UTM, and the middle of a polar scene lies between no points.
    at = (-2_000_000, 2_000_000) if crs == POLAR else (500_000, 5_000_000)
    scene = Grid(crs, Affine(1000, 0, at[0], 0, -1000, at[1]), 4000, 4000)
    small = Grid(crs, Affine(10, 0, 500_000, 0, -10, 5_000_000), 300, 400)
    for grid in (scene, small) if crs == POLAR else (small,):
        assert box(find_window(Outline.of_grid(WORLD, "world"), grid, "in.tif")) == (0, 0, grid.width, grid.height)


def test_a_scene_around_the_pole_reaches_the_pole():
    scene = Grid(POLAR, Affine(1000, 0, -500_000, 0, -1000, 500_000), 1000, 1000)
    assert box(find_window(Outline.of_grid(scene, "pole"), WORLD, "in.tif"))[:3] == (0, 0, 360)


def test_a_scene_over_the_date_line_keeps_both_sides():
    scene = Grid(UTM_60, Affine(1000, 0, 600_000, 0, -1000, 1_000_000), 500, 500)
    left, top, right, bottom = box(find_window(Outline.of_grid(scene, "scene"), WORLD, "in.tif"))
    assert (left, right) == (0, 360)
    assert (top, bottom) == (80, 86)


def test_a_rectangle_to_the_edge_of_the_world():
    window = find_window(Outline.of_extent(Extent(170, 180, -10, 10, "EPSG:4326"), None), WORLD, "in.tif")
    assert box(window) == (350, 80, 360, 100)


@pytest.mark.parametrize("transform", [
    Affine(10, 0, 500_000, 0, 10, 4_997_000),
    Affine(-10, 0, 504_000, 0, -10, 5_000_000),
    Affine(0, 10, 500_000, -10, 0, 5_000_000),
    Affine(20, 0, 500_000, 0, -5, 5_000_000),
])  # fmt: skip
def test_grids_of_all_directions_and_shapes(transform):
    grid = Grid(UTM, transform, 300, 300)
    extent = Extent(501_003, 501_500, 4_998_601, 4_998_900)
    window = find_window(Outline.of_extent(extent, UTM), grid, "in.tif")
    bounds = grid.part(window).bounds
    width, height = abs(transform.a) + abs(transform.b), abs(transform.e) + abs(transform.d)
    assert 0 <= extent.xmin - bounds.left < width
    assert 0 <= bounds.right - extent.xmax < width
    assert 0 <= extent.ymin - bounds.bottom < height
    assert 0 <= bounds.top - extent.ymax < height


def test_what_lies_elsewhere_or_has_no_crs_is_refused():
    with pytest.raises(InputError, match=r"EXTENT does not overlap in\.tif"):
        find_window(Outline.of_extent(Extent(10, 11, 10, 11, "EPSG:4326"), None), SCENE, "in.tif")
    with pytest.raises(InputError, match=r"in\.tif has no CRS"):
        find_window(Outline.of_grid(SCENE, "like.tif"), Grid(None, SCENE.transform, 9, 9), "in.tif")


def test_bounds_in_pixels_become_whole_pixels_on_the_grid():
    assert box(bounds_window((-5, 2.5, 10.2, 20), SCENE)) == (0, 2, 11, 20)
    assert bounds_window((400, 0, 500, 10), SCENE) is None
