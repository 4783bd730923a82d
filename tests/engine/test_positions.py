"""Tile positions: they cover, stay inside and overlap enough."""

from itertools import pairwise

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import DROP, PAD_NODATA, REFLECT, SHIFT, SHRINK
from geoseg.geoseg_plugin.engine.datasets.tiling.positions import (
    cross,
    random_places,
    settle,
    stride_offsets,
    tile_offsets,
)
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


@pytest.mark.parametrize(
    ("length", "tile", "stride", "expected"),
    [
        (10980, 2048, 2048, (0, 2048, 4096, 6144, 8192, 10240)),
        (4096, 2048, 2048, (0, 2048)),
        (4097, 2048, 2048, (0, 2048, 4096)),
        (100, 2048, 2048, (0,)),
        (1000, 512, 256, (0, 256, 512)),
        (1000, 256, 300, (0, 300, 600, 900)),
    ],
)
def test_strides_known_by_hand(length, tile, stride, expected):
    assert stride_offsets(length, tile, stride) == expected


@given(st.integers(1, 5000), st.integers(32, 600), st.integers(1, 900))
def test_strides_reach_the_end_and_no_tile_is_beyond_or_needless(length, tile, stride):
    offsets = stride_offsets(length, tile, stride)
    assert offsets == tuple(range(0, offsets[-1] + 1, stride))
    assert offsets[-1] < length
    assert offsets[-1] + max(tile, stride) >= length
    assert len(offsets) == 1 or offsets[-2] + max(tile, stride) < length


sides = st.integers(1, 90)


def covered(places, height, width):
    """Return how often each pixel of a raster lies in a tile."""
    count = np.zeros((height, width), int)
    for row, col, tall, wide in places.tolist():
        count[max(row, 0) : max(row + tall, 0), max(col, 0) : max(col + wide, 0)] += 1
    return count


@given(sides, sides, st.integers(1, 40), st.data())
def test_settled_tiles_cover_every_pixel(height, width, size, data):
    stride = data.draw(st.integers(1, size))
    places = cross(stride_offsets(height, size, stride), stride_offsets(width, size, stride), size)
    for edges in (SHIFT, SHRINK, PAD_NODATA, REFLECT):
        settled = settle(places, height, width, edges)
        assert covered(settled, height, width).min() > 0
        assert len(np.unique(settled, axis=0)) == len(settled)
    shifted = settle(places, height, width, SHIFT)
    assert (shifted[:, 2:] == size).all()
    assert (shifted[:, :2] >= 0).all()
    assert ((shifted[:, 0] + size <= height) | (shifted[:, 0] == 0)).all()
    shrunk = settle(places, height, width, SHRINK)
    assert len(np.unique(shrunk[:, :2], axis=0)) == len(shrunk)
    assert (shrunk[:, 2:] > 0).all()
    assert (shrunk[:, :2] + shrunk[:, 2:] <= [height, width]).all()
    dropped = settle(places, height, width, DROP)
    assert (dropped[:, :2] + dropped[:, 2:] <= [height, width]).all()
    inside = (places[:, 0] + size <= height) & (places[:, 1] + size <= width)
    assert np.array_equal(dropped, places[inside])
    assert np.array_equal(settle(places, height, width, PAD_NODATA), places)


def test_tiles_that_shrink_to_one_corner_become_one():
    places = np.array([[-10, -30, 64, 64], [50, 60, 64, 64], [-30, -10, 64, 64], [-30, 20, 64, 64]])
    assert settle(places, 100, 100, SHRINK).tolist() == [[0, 0, 54, 54], [50, 60, 50, 40], [0, 20, 34, 64]]


@given(sides, sides, st.integers(1, 40), st.integers(1, 30), st.integers(0, 5))
def test_random_places_are_inside_and_different(height, width, size, count, seed):
    places = random_places(height, width, size, count, (seed, 0))
    total = max(height - size + 1, 1) * max(width - size + 1, 1)
    assert len(places) == min(20 * count, total)
    assert len(np.unique(places, axis=0)) == len(places)
    assert (places[:, :2] >= 0).all()
    assert (places[:, :2] <= [max(height - size, 0), max(width - size, 0)]).all()
    assert np.array_equal(places, random_places(height, width, size, count, (seed, 0)))


def test_random_places_reach_every_pixel_and_no_place_is_preferred():
    places = random_places(40, 30, 16, 10_000, (1, 2))
    assert len(places) == 25 * 15
    assert covered(places, 40, 30).min() > 0
    first = np.array([random_places(20, 18, 16, 1, (seed, 0))[0, :2] for seed in range(3000)])
    counts = np.unique(first, axis=0, return_counts=True)[1]
    assert len(counts) == 15
    assert counts.min() > 140  # 200 each, within about four standard deviations


def test_random_places_of_a_huge_raster_take_little_memory():
    places = random_places(500_000, 500_000, 256, 3, (1, 0))
    assert len(places) == 60
    assert (places[:, :2] > 0).all()


def test_too_many_tiles_are_refused():
    with pytest.raises(RequestError, match="9,000,000 tiles"):
        cross(range(3000), range(3000), 32)
