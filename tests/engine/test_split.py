"""The spatial split: no shared ground, the wanted share, the same for the same seed."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.ground import OVERLAP_INSET_PX, footprints, shared_ground
from geoseg.geoseg_plugin.engine.datasets.splitting.split import assign_blocks, choose_block_size, split_tiles
from geoseg.geoseg_plugin.engine.datasets.tiling.cutting import tile_windows
from geoseg.geoseg_plugin.engine.grid import Grid
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)


def lay_tiles(shapes, tile, overlap, gap=0):
    """Tiles of scenes that lie side by side, `gap` pixels apart (negative: overlapping)."""
    scenes, centres, grids, left = [], [], [], 0
    for number, (height, width) in enumerate(shapes):
        grid = Grid(UTM, Affine(1, 0, left, 0, -1, 0), height, width)
        for window in tile_windows(grid, tile, overlap):
            scenes.append(number)
            centres.append((window.row_off + tile / 2, window.col_off + tile / 2))
            grids.append(grid.part(window))
        left += width + gap
    return np.array(scenes), np.array(centres), grids


def split(shapes, tile=64, overlap=25.0, share=20.0, seed=0, gap=0, block=0, counts=None):
    scenes, centres, grids = lay_tiles(shapes, tile, overlap, gap)
    size = block or choose_block_size(shapes, tile, share)
    blocks = assign_blocks(scenes, centres, shapes, size)
    polygons = footprints(grids, UTM, OVERLAP_INSET_PX)
    pairs = shared_ground(polygons, np.zeros(len(grids), dtype=np.int64))
    places = np.array([(grid.bounds.left + tile / 2, grid.bounds.top - tile / 2) for grid in grids])
    counts = np.ones((len(grids), 2), dtype=np.int64) if counts is None else counts(places)
    return split_tiles(blocks, places, counts, pairs, share=share, seed=seed), grids


def cover(grids, chosen):
    """Ground (pixels of 1 m) that the chosen tiles cover, as a set of cells."""
    boxes = [grid.bounds for grid, keep in zip(grids, chosen, strict=True) if keep]
    right, top = int(max(grid.bounds.right for grid in grids)), int(max(-grid.bounds.bottom for grid in grids))
    ground = np.zeros((top, right), dtype=bool)
    for box in boxes:
        ground[int(-box.top) : int(-box.bottom), int(box.left) : int(box.right)] = True
    return ground


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(64, 500), st.integers(64, 500)), min_size=1, max_size=4),
    overlap=st.floats(0, 60), share=st.floats(5, 50), seed=st.integers(0, 99), gap=st.integers(-40, 40),
)  # fmt: skip
def test_no_ground_is_in_both_sets(shapes, overlap, share, seed, gap):
    try:
        result, grids = split(shapes, overlap=overlap, share=share, seed=seed, gap=gap)
    except InputError:
        assume(False)
    assert not (cover(grids, result.validation) & cover(grids, result.train)).any()
    assert not (result.validation & result.lost).any()
    assert (result.validation | result.lost | result.train).all()
    assert result.validation.any()
    assert result.train.any()


def test_only_tiles_that_share_ground_are_lost():
    result, grids = split([(600, 600)], overlap=25.0)
    held_out = cover(grids, result.validation)
    for number in np.flatnonzero(result.lost):
        assert (cover(grids, np.arange(len(grids)) == number) & held_out).any()


def test_without_overlap_nothing_is_lost_and_the_share_is_met():
    result, _ = split([(640, 640)], overlap=0.0, share=20.0)
    assert result.lost.sum() == 0
    assert result.validation.sum() == 20


def test_the_same_seed_chooses_the_same_and_another_differs():
    masks = [split([(1280, 1280)], seed=seed)[0].validation for seed in (3, 3, 4, 5, 6)]
    assert np.array_equal(masks[0], masks[1])
    assert len({mask.tobytes() for mask in masks}) > 1


def test_a_class_in_one_corner_reaches_both_sets():
    def counts(places):
        rare = (places[:, 0] < 300) & (places[:, 1] > -300)
        return np.column_stack([np.full(len(places), 4096), np.where(rare, 500, 0)])

    result, grids = split([(1024, 1024)], block=128, counts=counts)
    rare = np.array([grid.bounds.left < 268 and grid.bounds.top > -268 for grid in grids])
    assert (rare & result.validation).any()
    assert (rare & result.train).any()


def test_small_scenes_become_whole_blocks():
    shapes = [(200, 200)] * 6
    assert choose_block_size(shapes, 64, 20) == 512
    scenes, centres, _ = lay_tiles(shapes, 64, 25)
    blocks = assign_blocks(scenes, centres, shapes, 512)
    assert blocks.count == 6
    assert np.array_equal(blocks.of_tile, scenes)


def test_blocks_shrink_until_there_are_enough():
    assert choose_block_size([(4096, 4096)], 256, 20) == 1024
    assert choose_block_size([(1024, 1024)], 256, 20) == 256
    assert choose_block_size([(100, 100)], 256, 20) == 256


def test_validation_of_zero_keeps_all_tiles():
    result, _ = split([(300, 300)], share=0, block=64)
    assert result.train.all()


def test_what_cannot_be_split_says_what_to_do():
    for shape, overlap in (((64, 64), 25), ((100, 100), 60)):
        with pytest.raises(InputError, match="lower VALIDATION, or set it to 0"):
            split([shape], overlap=overlap)
