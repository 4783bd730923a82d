"""Blocks of ground that are laid over scenes."""

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.engine.datasets.footprints import outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground
from geoseg.geoseg_plugin.engine.datasets.splitting.blocks import choose_block_size, group_scenes, lay_blocks


def lay(corners, tile=64):
    """Square tiles with their upper left corners at (x, y)."""
    x, y = np.array(corners, dtype=float).T
    none, sizes = np.zeros(len(x), dtype=np.int64), np.full((len(x), 2), tile)
    return Ground.of(outlines_of(shapely.box(x, y, x + tile, y + tile)), none, sizes)


def cover(left, top, across, down, tile=64):
    return [(left + tile * col, top + tile * row) for row in range(down) for col in range(across)]


@pytest.mark.parametrize(("side", "size"), [(4096, 1024), (1024, 256), (100, 256)])
def test_blocks_shrink_until_there_are_enough(side, size):
    assert choose_block_size([(side, side)], 256, 20) == size


def test_small_scenes_become_whole_blocks():
    tiles = lay([corner for number in range(6) for corner in cover(1000 * number, 0, 3, 3)])
    scenes = np.repeat(list("abcdef"), 9)
    blocks = lay_blocks(tiles, scenes, tile_size=64, size=0, share=20)
    assert (blocks.count, blocks.size) == (6, 512)
    assert np.array_equal(blocks.of_tile, np.repeat(np.arange(6), 9))


def test_scenes_that_share_ground_share_blocks():
    tiles = lay([*cover(0, 0, 4, 4), *cover(0, 0, 4, 4), *cover(5000, 0, 4, 4)])
    scenes = np.repeat(["2012", "2017", "elsewhere"], 16)
    assert np.array_equal(group_scenes(tiles, scenes), np.repeat([0, 0, 1], 16))
    blocks = lay_blocks(tiles, scenes, tile_size=64, size=128, share=20)
    assert blocks.count == 8
    assert np.array_equal(blocks.of_tile[:16], blocks.of_tile[16:32])
    assert np.array_equal(np.bincount(blocks.of_tile), [8] * 4 + [4] * 4)


def test_neighbours_that_only_touch_share_no_ground():
    tiles = lay([*cover(0, 0, 2, 2), *cover(128, 0, 2, 2)])
    assert len(set(group_scenes(tiles, np.repeat(["a", "b"], 4)))) == 2


def test_blocks_without_tiles_do_not_count():
    tiles = lay([(0, 0), (640, 640)])
    assert lay_blocks(tiles, np.array(["a", "a"]), tile_size=64, size=64, share=20).count == 2


def test_blocks_of_fine_scenes_hold_as_many_tiles():
    fine, coarse = lay(cover(0, 0, 8, 8, 4), tile=4).shapes(), lay(cover(0, 0, 8, 8)).shapes()
    ground = Ground.of(outlines_of(np.concatenate([fine, coarse])), np.repeat([0, 1], 64), np.full((128, 2), 64))
    blocks = lay_blocks(ground, np.repeat(["fine", "coarse"], 64), tile_size=64, size=0, share=20)
    assert (blocks.count, blocks.size) == (8, 256)
    assert np.bincount(blocks.of_tile).tolist() == [16] * 8
