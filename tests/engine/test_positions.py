"""Tile positions: they cover, stay inside and overlap enough."""

from itertools import pairwise

from geoseg.geoseg_plugin.engine.datasets.tiling.positions import tile_offsets
from hypothesis import given
from hypothesis import strategies as st


def test_published_example():
    assert tile_offsets(1000, 512, 32) == (0, 244, 488)
    assert len(tile_offsets(10980, 512, 32)) == 23


def test_a_short_side_has_one_tile():
    assert tile_offsets(100, 256, 64) == (0,)
    assert tile_offsets(256, 256, 64) == (0,)
    assert tile_offsets(257, 256, 64) == (0, 1)


@given(st.integers(1, 5000), st.integers(32, 600), st.floats(0, 0.9))
def test_tiles_cover_the_side_and_overlap_enough(length, tile, share):
    overlap = round(tile * share)
    offsets = tile_offsets(length, tile, overlap)
    assert offsets[0] == 0
    assert offsets[-1] == max(0, length - tile)
    steps = [later - earlier for earlier, later in pairwise(offsets)]
    assert all(0 < step <= tile - overlap for step in steps)
    assert not steps or max(steps) - min(steps) <= 1
