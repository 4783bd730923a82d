"""Tiles of different sets are kept apart."""

import numpy as np
import shapely
from geoseg.geoseg_plugin.engine.datasets.splitting.separation import lay_in_pixels, leave_out, shrink


def row_of(splits, step=64, side=64):
    left = step * np.arange(len(splits), dtype=float)
    return np.array(splits, dtype=object), shapely.box(left, 0, left + side, side)


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
    splits, tiles = row_of(["train", "unused", "validation"], step=32)
    assert np.array_equal(leave_out(splits[:2], tiles[:2], 0), splits[:2])


def test_planes_lie_side_by_side_in_pixels():
    tiles = shapely.box([100.0, 0.0, 100.0], [0.0, 0.0, 0.0], [110.0, 8.0, 110.0], [5.0, 5.0, 5.0])
    laid = lay_in_pixels(tiles, np.array([7, 3, 3]), (0.5, 0.25), gap=50)
    assert np.allclose(shapely.bounds(laid)[:, 2:] - shapely.bounds(laid)[:, :2], [[20, 20], [16, 20], [20, 20]])
    assert shapely.distance(laid[0], laid[1:]).min() > 50
    assert np.isclose(shapely.distance(laid[1], laid[2]), 2 * (100 - 8))
    assert np.allclose(shapely.bounds(tiles[0]), [100, 0, 110, 5])


def test_shrunk_footprints_are_smaller_by_a_tenth_of_a_pixel_on_each_side():
    tile = shapely.box(10, 20, 74, 36)
    assert np.allclose(shapely.bounds(shrink(np.array([tile])))[0], [10.1, 20.1, 73.9, 35.9])
