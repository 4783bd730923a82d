"""Tiles of different sets are kept apart."""

import numpy as np
import shapely
from geoseg.geoseg_plugin.engine.datasets.footprints import outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground
from geoseg.geoseg_plugin.engine.datasets.splitting.separation import leave_out


def row_of(splits, step=64, side=64):
    left = step * np.arange(len(splits), dtype=float)
    return np.array(splits, dtype=object), lay(shapely.box(left, 0, left + side, side), side)


def lay(polygons, side):
    return Ground.of(outlines_of(polygons), np.zeros(len(polygons), dtype=np.int64), np.full((len(polygons), 2), side))


def test_training_gives_way_to_validation_and_both_to_test():
    names = ["train", "validation", "test", "train", "train", "validation", "train"]
    splits, tiles = row_of(names, step=50)
    assert list(leave_out(splits, tiles, 0)) == ["train", "unused", "test", "unused", "unused", "validation", "unused"]


def test_neighbours_may_touch_unless_there_is_a_buffer():
    splits, tiles = row_of(["train", "train", "validation", "train"])
    assert np.array_equal(leave_out(splits, tiles, 0), splits)
    assert list(leave_out(splits, tiles, 0.5)) == ["train", "unused", "validation", "unused"]
    assert list(leave_out(splits, tiles, 64)) == ["train", "unused", "validation", "unused"]
    assert list(leave_out(splits, tiles, 64.5)) == ["unused", "unused", "validation", "unused"]


def test_unused_tiles_are_in_nobodys_way():
    splits, tiles = row_of(["train", "unused"], step=32)
    assert np.array_equal(leave_out(splits, tiles, 0), splits)


def test_tiles_of_fine_pixels_are_kept_apart_as_well():
    fine, coarse = shapely.box(0.5 * np.arange(8), 0, 0.5 * np.arange(8) + 1, 1), shapely.box([100], 0, [164], 64)
    splits = np.array(["train", "validation"] * 4 + ["train"], dtype=object)
    kept = leave_out(splits, lay(np.concatenate([fine, coarse]), 64), 0)
    assert list(kept) == ["unused", "validation"] * 4 + ["train"]
