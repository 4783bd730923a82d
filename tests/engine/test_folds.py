"""Folds: which tiles stay together."""

from itertools import chain

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from geoseg.geoseg_plugin.engine.datasets.dataset import Dataset, Tile
from geoseg.geoseg_plugin.engine.datasets.placed import PlacedTiles
from geoseg.geoseg_plugin.engine.datasets.statistics.folds import assign_folds
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)


def place(names, corners, tile=64, crs=UTM):
    """Tiles (scene, name) of a dataset at upper left corners in metres from CORNER, with pixels of 0.5 m."""
    x, y = np.array(corners, dtype=float).T
    polygons = shapely.box(500_000 + x, 5_000_000 - y - tile / 2, 500_000 + x + tile / 2, 5_000_000 - y)
    dataset = Dataset(
        tile_size=tile, dtype="uint8", classes=ClassTable(()), ignore_value=255, crs="EPSG:32633",
        pixel_size=(0.5, 0.5), statistics=(), folder=None, fingerprint="",
        tiles=tuple(Tile(name, scene, "train", None, None) for scene, name in names),
    )  # fmt: skip
    return PlacedTiles(dataset, polygons, np.zeros(len(names), dtype=np.int64), crs, {})


def grid(across, down, step=32, scene="a", east=0):
    corners = [(east + step * col, step * row) for row in range(down) for col in range(across)]
    return [(scene, f"{scene}_{x}_{y}") for x, y in corners], corners


@pytest.fixture
def fold(recorder):
    def run(placed, **options):
        return assign_folds(TileStatistics(dataset="d", tiles="t.gpkg", **options), placed, recorder)

    return run


def areas(placed, folds):
    return [shapely.union_all(placed.polygons[folds == one]) for one in np.unique(folds)]


def test_no_folds_are_none(fold):
    assert fold(place(*grid(2, 2))) is None


def test_blocks_make_folds_of_one_size_that_share_no_ground(fold, recorder):
    placed = place(*grid(20, 20))
    folds = fold(placed, folds="spatial blocks", fold_count=4, block_size=256)
    assert np.array_equal(np.bincount(folds), [112, 96, 96, 96])
    found = areas(placed, folds)
    assert all(shapely.area(shapely.intersection(found[0], other)) < 1e-6 for other in found[1:])
    assert not any("share ground" in text for text in recorder.notes)


def test_tiles_that_share_ground_with_another_fold_are_counted(fold, recorder):
    placed = place(*grid(20, 20, step=16))
    folds = fold(placed, folds="spatial blocks", fold_count=2)
    inset = shapely.buffer(placed.polygons, -0.05)
    one, other = shapely.STRtree(inset).query(inset, predicate="intersects")
    count = len(np.unique(one[folds[one] != folds[other]]))
    assert count > 0
    assert any(text.startswith(f"{count} tiles share ground") for text in recorder.notes)


def test_the_same_seed_makes_the_same_folds(fold):
    placed = place(*grid(20, 20))
    options = {"folds": "spatial blocks", "fold_count": 4, "block_size": 128}
    made = [tuple(fold(placed, seed=seed, **options)) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_scenes_of_one_place_stay_in_one_fold(fold):
    parts = [grid(3, 3, scene="now"), grid(3, 3, scene="then"), grid(3, 3, scene="b", east=900), grid(2, 2, scene="c",
             east=2000)]  # fmt: skip
    names, corners = (list(chain.from_iterable(lists)) for lists in zip(*parts, strict=True))
    placed = place(names, corners)
    folds = fold(placed, folds="scene", fold_count=3)
    assert {len(set(folds[placed.scenes == scene])) for scene in ("now", "then", "b", "c")} == {1}
    assert set(folds[placed.scenes == "now"]) == set(folds[placed.scenes == "then"])
    with pytest.raises(InputError, match="3 scenes that share no ground for 4 folds"):
        fold(placed, folds="scene", fold_count=4)


def test_the_longest_part_of_a_name_counts(fold, recorder):
    names = [("s", "T38SLF_1"), ("s", "T38SL_2"), ("38RPV", "x_3"), ("other", "y_4")]
    folds = fold(place(names, [(0, 0), (99, 0), (200, 0), (300, 0)]), folds="name", fold_names="38SL, 38SLF, 38RPV,39Z")
    assert list(folds) == [1, 0, 2, -1]
    assert any("No tile belongs to 39Z" in text for text in recorder.warnings)
    assert any("1 of 4 tiles belong to no fold (first: y_4)" in text for text in recorder.warnings)


def test_rows_and_columns_in_the_names_of_tiles_are_no_names(fold):
    names = [("t01", "t01_000102_000201"), ("t02", "t02_000102_000001"), ("s", "512#0#10.0#13#-17#771")]
    placed = place(names, [(0, 0), (99, 0), (200, 0)])
    assert list(fold(placed, folds="name", fold_names="01, 02, 13#-17")) == [0, 1, 2]


def test_names_that_no_tile_has_or_that_are_there_twice_are_refused(fold):
    placed = place(*grid(2, 2))
    with pytest.raises(InputError, match="No tile of d belongs to a fold"):
        fold(placed, folds="name", fold_names="38SLF")
    with pytest.raises(RequestError, match="FOLD_NAMES is 'a, a'"):
        fold(placed, folds="name", fold_names="a, a")


@pytest.mark.parametrize("field", [None, "zone", "number"])
def test_the_polygon_under_the_middle_counts(fold, make_layer, recorder, field):
    # In pixels of 0.5 m; tiles begin every 64 pixels.
    shapes = [shapely.box(0, 0, 100, 256), shapely.box(100, 0, 200, 256)]
    layer = make_layer("l.gpkg", shapes, zone=["b", "a"], number=[20.5, 3.0])
    placed = place(*grid(4, 4))
    folds = fold(placed, folds="layer", fold_layer=layer, fold_field=field)
    first = 0 if field is None else 1
    assert list(folds[:4]) == [first, first, 1 - first, -1]
    assert any("4 of 16 tiles belong to no fold" in text for text in recorder.warnings)


def test_polygons_without_a_value_are_no_fold_and_the_first_of_several_counts(fold, make_layer, recorder):
    shapes = [shapely.box(0, 0, 60, 256), shapely.box(0, 0, 300, 256), shapely.box(0, 0, 120, 256)]
    layer = make_layer("l.gpkg", shapes, zone=np.array([None, "b", "a"], dtype=object))
    folds = fold(place(*grid(4, 1)), folds="layer", fold_layer=layer, fold_field="zone")
    assert list(folds) == [1, 1, 1, 1]
    assert any("2 tiles lies in polygons of different folds" in text for text in recorder.warnings)


def test_layers_may_have_another_crs_but_must_have_one(fold, make_layer, make_raster):
    placed = place(*grid(2, 1))
    with pytest.raises(InputError, match="has no CRS"):
        fold(placed, folds="layer", fold_layer=make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)], crs=None))
    with pytest.raises(InputError, match="No tile of d belongs"):
        fold(placed, folds="layer", fold_layer=make_layer("m.gpkg", [shapely.box(0, 0, 9, 9)], crs=CRS.from_epsg(4326)))


def test_random_folds_are_of_one_size_and_warned_of(fold, recorder):
    folds = fold(place(*grid(5, 5)), folds="random", fold_count=3)
    assert sorted(np.bincount(folds)) == [8, 8, 9]
    assert any("figures are too good" in text for text in recorder.warnings)
