"""Windows cover every pixel, weights sum to 1, and the blended rows equal a blend of the whole image."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.stages.prediction_parts.windows import BLENDINGS, CROP
from geoseg.geoseg_plugin.engine.prediction.windows.blending import Blender
from geoseg.geoseg_plugin.engine.prediction.windows.covering import BLOCK, Cover, Coverage, Region
from hypothesis import given, settings
from hypothesis import strategies as st

covers = st.builds(
    Cover.of, st.integers(1, 900), st.sampled_from([32, 64, 96, 256]), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75])
)
blendings = st.sampled_from(list(BLENDINGS))


@given(covers)
def test_windows_cover_the_axis_and_reach_beyond_both_ends_alike(cover):
    covered = np.zeros(cover.length, int)
    for index in range(len(cover.starts)):
        first, stop = cover.inside(index)
        assert 0 <= first < stop <= cover.length
        covered[first:stop] += 1
    assert covered.min() >= 1
    before, after = -cover.starts[0], cover.starts[-1] + cover.size - cover.length
    assert 0 <= before <= after <= before + 1 or cover.length <= cover.size
    assert list(cover.starts) == sorted(set(cover.starts))
    assert cover.settled(len(cover.starts) - 1) == cover.length


@given(st.integers(65, 2000), st.sampled_from([0.0, 0.25, 0.5]))
def test_neighbours_share_at_least_the_overlap_and_ends_reach_half_of_it_beyond(length, overlap):
    cover = Cover.of(length, 64, overlap)
    assert all(one + 64 - other >= 64 * overlap for one, other in zip(cover.starts, cover.starts[1:], strict=False))
    assert -cover.starts[0] == cover.starts[-1] + 64 - length == int(64 * overlap / 2)


@given(covers, st.integers(1, 1000), st.data())
def test_sections_cover_their_part_of_the_axis_with_all_windows_that_touch_them(cover, most, data):
    begin = data.draw(st.integers(0, cover.length - 1))
    end = data.draw(st.integers(begin + 1, cover.length))
    sections = cover.sections(begin, end, most)
    assert [section.first for section in sections] == [begin, *(section.stop for section in sections[:-1])]
    assert sections[-1].stop == end
    for section in sections:
        assert (section.first - begin) % BLOCK == 0
        assert 0 < section.length < most + BLOCK
        touching = [
            place for place, start in enumerate(cover.starts)
            if start < section.stop and start + cover.size > section.first
        ]  # fmt: skip
        assert list(section.windows) == touching
        assert 0 <= section.reach[0] <= section.first
        assert section.stop <= section.reach[1] <= cover.length


@given(covers, blendings)
def test_weights_sum_to_one_and_only_inside(cover, blending):
    weights = cover.weights(blending)
    total = np.zeros(cover.length)
    for index, weight in enumerate(weights):
        first, stop = cover.inside(index)
        inside = slice(first - cover.starts[index], stop - cover.starts[index])
        total[first:stop] += weight[inside]
        assert weight.sum(dtype=np.float64) == pytest.approx(weight[inside].sum(dtype=np.float64))
        assert (weight[inside] > 0).all() or blending == CROP
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@given(covers)
def test_without_blending_a_pixel_is_of_the_window_whose_middle_is_nearest(cover):
    weights = cover.weights(CROP)
    assert set(np.unique(weights)) <= {0.0, 1.0}
    middles = np.array(cover.starts) + cover.size / 2
    for pixel in range(cover.length):
        (owner,) = (
            index for index, start in enumerate(cover.starts)
            if 0 <= pixel - start < cover.size and weights[index, pixel - start] == 1
        )  # fmt: skip
        assert owner == np.abs(pixel + 0.5 - middles).argmin()


@settings(max_examples=30)
@given(covers, covers, blendings, st.integers(0, 2**32 - 1), st.data())
def test_rows_of_a_region_equal_a_blend_of_the_whole_image(rows, cols, blending, seed, data):
    top, left = (data.draw(st.integers(0, cover.length - 1)) for cover in (rows, cols))
    bottom, right = (
        data.draw(st.integers(first + 1, cover.length)) for first, cover in ((top, rows), (left, cols))
    )  # fmt: skip
    region = Region(rows.section(top, bottom), cols.section(left, right))
    random = np.random.default_rng(seed)
    answers = random.random((len(rows.starts), len(cols.starts), 2, rows.size, cols.size), dtype=np.float32)
    blender = Blender(2, Coverage(rows, cols, blending), region)
    strips, next_row = [], top
    for row in region.rows.windows:
        for col in region.cols.windows:
            blender.add(row, col, answers[row, col].copy())
        first, strip = blender.take(row)
        assert first == next_row
        assert strip.shape[1] % BLOCK == 0 or row == region.rows.windows[-1]
        next_row += strip.shape[1]
        strips.append(strip)
    whole = blend_whole(rows, cols, blending, answers)
    np.testing.assert_allclose(np.concatenate(strips, axis=1), whole[:, top:bottom, left:right], rtol=1e-5, atol=1e-6)


def blend_whole(rows, cols, blending, answers):
    """Return the weighted sum of answers (rows, cols, K, size, size) over a whole image."""
    row_weights, col_weights = rows.weights(blending), cols.weights(blending)
    whole = np.zeros((2, rows.length + 2 * rows.size, cols.length + 2 * cols.size))
    for row, top in enumerate(rows.starts):
        for col, left in enumerate(cols.starts):
            at = slice(top + rows.size, top + 2 * rows.size), slice(left + cols.size, left + 2 * cols.size)
            whole[(slice(None), *at)] += answers[row, col] * np.outer(row_weights[row], col_weights[col])
    return whole[:, rows.size : -rows.size, cols.size : -cols.size]


@pytest.mark.parametrize("blending", BLENDINGS)
def test_a_window_without_overlap_is_taken_as_it_is(blending):
    cover = Cover.of(128, 64, 0.0)
    assert (cover.weights(blending) == 1).all()
