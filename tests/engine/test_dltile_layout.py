"""Tiles of the DLTile grid: which of them lie on a scene, worked out another way."""

import math

import numpy as np
import pytest
import rasterio.warp
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import DLTILE, MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.dltile import read_key
from geoseg.geoseg_plugin.engine.datasets.tiling.dltile_layout import find_zones, lay_out_dltiles
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import Scene, find_scenes
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.tests.engine.listener import Listener
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

WGS84 = CRS.from_epsg(4326)


def make_scene(epsg, left, top, size, height, width, name="a"):
    crs = CRS.from_epsg(epsg) if epsg else None
    return Scene(
        name, f"{name}.tif", Grid(crs, Affine(size, 0, left, 0, -size, top), height, width), (1,), ("b",), "uint8"
    )


def ask(resolution, size=64, padding=0, **options):
    return MakeTiles(
        images=("a.tif",), layout=DLTILE, pixel_size=resolution, tile_size=size, padding=padding, output="o", **options
    )  # fmt: skip


def keys_of_pixels(scene, resolution, cell, padding=0):
    """Return the keys of the cells in which pixel centres of a scene lie, one by one and by another library."""
    rows, cols = np.mgrid[0 : scene.grid.height, 0 : scene.grid.width] + 0.5
    xs, ys = scene.grid.transform @ (cols.ravel(), rows.ravel())
    lon, _ = map(np.array, rasterio.warp.transform(scene.grid.crs, WGS84, xs, ys))
    zones = np.floor((lon + 180) / 6).astype(int) % 60 + 1
    keys = set()
    for zone in np.unique(zones):
        there = zones == zone
        x, y = map(np.array, rasterio.warp.transform(scene.grid.crs, f"EPSG:{32600 + zone}", xs[there], ys[there]))
        step = cell * resolution
        ti, tj = np.floor((x - 500_000) / step).astype(int), np.floor(y / step).astype(int)
        keys |= {f"{cell}#{padding}#{resolution}#{zone}#{i}#{j}" for i, j in zip(ti, tj, strict=True)}
    return keys


def names(sheets):
    return {name for sheet in sheets for name in sheet.names}


@pytest.mark.parametrize(
    "scene",
    [
        make_scene(32633, 500_013, 5_000_027, 10, 150, 190),
        make_scene(32733, 400_000, 8_000_000, 10, 150, 120),
        make_scene(4326, 11.97, 45.0, 4e-4, 120, 150),
        make_scene(4326, 179.97, -17.0, 4e-4, 90, 150),
        make_scene(3857, 1_335_000, 5_600_000, 60, 130, 100),
    ],
    ids=["north", "south", "two zones", "antimeridian", "mercator"],
)
def test_tiles_are_those_in_which_the_pixels_lie(scene, recorder):
    sheets = lay_out_dltiles(ask(10.0), [scene], recorder)
    expected = keys_of_pixels(scene, 10.0, 64)
    found = names(sheets)
    assert expected <= found
    # A cell may hold a corner of a pixel, but not its centre.
    assert len(found - expected) <= 0.15 * len(found)
    assert sum(map(len, sheets)) == len(found)


@pytest.mark.parametrize(
    "scene", [make_scene(4326, 11.97, 45.0, 4e-4, 120, 150), make_scene(4326, 179.97, -17, 4e-4, 90, 150)]
)
def test_a_scene_in_two_zones_has_tiles_of_both_in_their_crs(scene, recorder):
    sheets = lay_out_dltiles(ask(10.0), [scene], recorder)
    zones = [read_key(sheet.names[0])[0].zone for sheet in sheets]
    assert len(set(zones)) == 2
    for sheet, zone in zip(sheets, zones, strict=True):
        assert sheet.grid.crs == CRS.from_epsg(32600 + zone)
        assert {read_key(name)[0].zone for name in sheet.names} == {zone}


def test_places_are_those_of_the_keys_padding_included(recorder):
    scene = make_scene(32633, 500_013, 5_000_027, 10, 150, 190)
    (sheet,) = lay_out_dltiles(ask(10.0, size=80, padding=8), [scene], recorder)
    assert names([sheet]) >= keys_of_pixels(scene, 10.0, 64, 8)
    for name, (row, col, height, width) in zip(sheet.names, sheet.places.tolist(), strict=True):
        tiles, ti, tj = read_key(name)
        left, top = 500_000 + ti * 640 - 80, (tj + 1) * 640 + 80
        assert (tiles.cell, tiles.padding, height, width) == (64, 8, 80, 80)
        assert sheet.grid.transform @ (col, row) == (left, top)
    assert sheet.places.min() == 0
    assert sheet.places[:, 0].max() + 80 == sheet.grid.height
    assert sheet.places[:, 1].max() + 80 == sheet.grid.width


def test_a_scene_that_is_one_cell_has_one_tile(recorder):
    scene = make_scene(32613, 412_960, 3_952_640, 10, 512, 512)
    (sheet,) = lay_out_dltiles(ask(10.0, size=512), [scene], recorder)
    assert sheet.names == ["512#0#10.0#13#-17#771"]
    assert sheet.grid.is_same(scene.grid)
    assert not sheet.is_resampled


def test_south_of_the_equator_northings_are_negative(recorder):
    scene = make_scene(32738, 268_400, 10_000_000 - 1_323_600, 75, 288, 288)
    (sheet,) = lay_out_dltiles(ask(75.0, size=288, padding=16), [scene], recorder)
    assert "256#16#75.0#38#-12#-70" in sheet.names
    assert sheet.grid.bounds.top < 0


@settings(max_examples=25)
@given(st.floats(-179, 179), st.floats(-75, 78), st.integers(5, 60), st.integers(5, 60))
def test_every_pixel_lies_in_a_tile(lon, lat, height, width):
    scene = make_scene(4326, lon, lat, 5e-4, height, width)
    found = names(lay_out_dltiles(ask(20.0, size=32), [scene], Listener()))
    assert keys_of_pixels(scene, 20.0, 32) <= found


def test_tiles_that_several_scenes_share_are_told_apart(recorder):
    scenes = [make_scene(32633, left, 5_000_000, 10, 64, 192, name) for left, name in ((500_000, "a"), (500_640, "b"))]
    sheets = lay_out_dltiles(ask(10.0), scenes, recorder)
    keys = names(lay_out_dltiles(ask(10.0), scenes[:1], recorder))
    assert len(names(sheets)) == sum(map(len, sheets))
    shared = {name.rsplit("_", 1)[0] for name in sheets[0].names if name.endswith("_a")}
    assert set() < shared < keys
    assert shared == {name.rsplit("_", 1)[0] for name in sheets[1].names if name.endswith("_b")}


def test_coverage_leaves_only_tiles_that_it_touches(make_layer, make_raster, recorder, tmp_path):
    image = make_raster("a.tif", np.ones((1, 400, 400), np.uint8))
    shapes = [shapely.Point(33, 47), shapely.box(200, 100, 330, 105)]
    layer = make_layer("c.gpkg", shapes)
    request = MakeTiles(
        images=(image,), layout=DLTILE, pixel_size=0.5, tile_size=64, coverage=layer, output=str(tmp_path / "out")
    )  # fmt: skip
    scenes = find_scenes(request, recorder)
    (sheet,) = lay_out_dltiles(request, scenes, recorder)
    every = lay_out_dltiles(ask(0.5), scenes, recorder)[0].names
    on_ground = [shapely.Point(500_016.5, 4_999_976.5), shapely.box(500_100, 4_999_947.5, 500_165, 4_999_950)]
    expected = []
    for name in every:
        tiles, ti, tj = read_key(name)
        cell = shapely.box(*tiles.grid(ti, tj, ti, tj).bounds)
        expected += [name] if any(cell.intersects(shape) for shape in on_ground) else []
    assert sheet.names == expected
    assert 0 < len(expected) < len(every)
    far = make_layer("far.gpkg", [shapely.Point(9000, 0)])
    with pytest.raises(InputError, match="No feature of"):
        lay_out_dltiles(ask(0.5, coverage=far), scenes, recorder)


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (make_scene(None, 0, 0, 1, 9, 9), "has no CRS"),
        (make_scene(4326, 0, 85, 0.1, 20, 20), "beyond the zones of UTM"),
        (make_scene(4326, -180, 80, 1, 100, 360), "half around the world"),
        (make_scene(32633, 1e9, 1e9, 10, 9, 9), "beyond the zones of UTM"),
        (make_scene(3031, -1000, 1000, 10, 200, 200), "beyond the zones of UTM"),
    ],
)
def test_scenes_beyond_utm_are_refused(scene, message, recorder):
    with pytest.raises(InputError, match=message):
        lay_out_dltiles(ask(10.0), [scene], recorder)


def test_parts_in_zones_make_up_the_scene():
    scene = make_scene(4326, 5, 50, 0.01, 300, 2000)
    parts = dict(find_zones(scene))
    assert list(parts) == [31, 32, 33, 34, 35]
    assert math.isclose(sum(shapely.area(part) for part in parts.values()), 60)
