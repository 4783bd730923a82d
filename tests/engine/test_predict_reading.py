"""Regions read as windows: each pixel once at most, mirrored at the edges, and no more than is wanted."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.scenes.reading import Channels, RowEnd, WindowReader
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover, Coverage, Region
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.models.card import Band
from hypothesis import given, settings
from hypothesis import strategies as st

BANDS = (Band("a", 0.0, 1.0), Band("b", 5.0, 2.0))
BOTH, SECOND = Channels((0, 1), Scaling(BANDS)), Channels((1,), Scaling(BANDS[1:]))


class CountingSource:
    """Pixels in memory that count how often each is read."""

    dtypes = ("uint8", "uint16")

    def __init__(self, height, width, wanted=None):
        random = np.random.default_rng(0)
        self.image = random.integers(1, 250, (2, height, width)).astype(np.uint16)
        self.valid = random.random((height, width)) > 0.1
        self.wanted = wanted
        self.reads = np.zeros((height, width), int)

    def read(self, window):
        place = window.toslices()
        self.reads[place] += 1
        return self.image[:, *place], self.valid[place]

    def find_wanted(self, window):
        return None if self.wanted is None else self.wanted[window.toslices()]


def _region(coverage, rows, cols):
    return Region(coverage.rows.section(*rows), coverage.cols.section(*cols))


def _coverage(height, width, size, overlap):
    return Coverage(Cover.of(height, size, overlap), Cover.of(width, size, overlap), "hann")


@settings(max_examples=60)
@given(
    st.integers(1, 700), st.integers(1, 500), st.sampled_from([32, 64, 256]), st.sampled_from([0.0, 0.25, 0.6]),
    st.data(),
)  # fmt: skip
def test_windows_are_cut_from_the_mirrored_scene_and_pixels_read_once(height, width, size, overlap, data):
    source, coverage = CountingSource(height, width), _coverage(height, width, size, overlap)
    first, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    stop, right = data.draw(st.integers(first + 1, height)), data.draw(st.integers(left + 1, width))
    region = _region(coverage, (first, stop), (left, right))
    scaled = np.where(source.valid, (source.image - [[[0]], [[5]]]) / [[[1]], [[2]]], 0)
    seen, told = [], []
    for item in WindowReader(source, [BOTH, SECOND], coverage, region):
        if isinstance(item, RowEnd):
            told.append(item.valid)
            continue
        seen.append((item.row, item.col))
        starts = coverage.rows.starts[item.row], coverage.cols.starts[item.col]
        inside = [(max(0, at), min(at + size, length)) for at, length in zip(starts, (height, width), strict=True)]
        beyond = [(low - at, at + size - high) for at, (low, high) in zip(starts, inside, strict=True)]
        wanted = np.pad(scaled[:, slice(*inside[0]), slice(*inside[1])], [(0, 0), *beyond], mode="reflect")
        np.testing.assert_allclose(item.pixels[0], wanted, rtol=1e-6)
        assert np.array_equal(item.pixels[1], item.pixels[0][1:])
    assert np.array_equal(np.concatenate(told), source.valid[first:stop, left:right])
    assert seen == sorted(set(seen))
    rows, cols = (slice(*section.reach) for section in (region.rows, region.cols))
    assert (source.reads[rows, cols] == 1).all()
    assert source.reads.sum() == source.reads[rows, cols].size


@settings(max_examples=60)
@given(st.integers(100, 900), st.sampled_from([32, 64]), st.sampled_from([0.0, 0.25, 0.6]), st.data())
def test_of_a_sparse_area_only_rows_of_windows_that_touch_it_are_read(height, size, overlap, data):
    wanted = np.zeros((height, 90), np.bool_)
    for _ in range(data.draw(st.integers(0, 3))):
        row = data.draw(st.integers(0, height - 1))
        wanted[row : row + 5, 20:23] = True
    source, coverage = CountingSource(height, 90, wanted), _coverage(height, 90, size, overlap)
    seen, told = set(), []
    for item in WindowReader(source, [BOTH], coverage, _region(coverage, (0, height), (0, 90))):
        if isinstance(item, RowEnd):
            told.append(item.valid)
        else:
            seen.add((item.row, item.col))
    shown = wanted & source.valid
    inside = [coverage.rows.inside(row) for row in range(len(coverage.rows.starts))]
    across = [coverage.cols.inside(col) for col in range(len(coverage.cols.starts))]
    touching = {
        (row, col) for row, rows in enumerate(inside) for col, cols in enumerate(across)
        if shown[slice(*rows), slice(*cols)].any()
    }  # fmt: skip
    assert seen == touching
    assert np.array_equal(np.concatenate(told), shown)
    needed = np.zeros(height, np.bool_)
    for first, stop in inside:
        needed[first:stop] |= wanted[first:stop].any()
    assert np.array_equal(source.reads, np.broadcast_to(needed[:, None], wanted.shape))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 1), (63, 64)])
def test_scenes_smaller_than_a_window_are_mirrored_as_often_as_it_takes(shape):
    source = CountingSource(*shape)
    source.valid[:] = True
    coverage = _coverage(*shape, 64, 0.25)
    (item, _) = WindowReader(source, [BOTH], coverage, _region(coverage, (0, shape[0]), (0, shape[1])))
    top, left = -coverage.rows.starts[0], -coverage.cols.starts[0]
    # A mirror at the middle of the outermost pixels: 0 1 2 3 2 1 0 1 ...
    rows, cols = (
        np.abs((np.arange(-before, 64 - before) + length - 1) % max(1, 2 * length - 2) - (length - 1))
        for before, length in ((top, shape[0]), (left, shape[1]))
    )
    wanted = (source.image[:, rows][:, :, cols] - np.array([0, 5])[:, None, None]) / np.array([1, 2])[:, None, None]
    np.testing.assert_allclose(item.pixels[0], wanted, rtol=1e-6)
