"""Windows cover every pixel, weights sum to 1, and the blended rows equal a blend of the whole image."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.blending import Blender, softmax
from geoseg.geoseg_plugin.engine.prediction.maps import choose_classes
from geoseg.geoseg_plugin.engine.prediction.windows import BLOCK, Cover
from hypothesis import given, settings
from hypothesis import strategies as st

covers = st.builds(
    Cover.of, st.integers(1, 900), st.sampled_from([32, 64, 96, 256]), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75])
)


@given(covers)
def test_windows_cover_the_axis_and_stay_inside(cover):
    covered = np.zeros(max(cover.length, cover.size), int)
    for start in cover.starts:
        covered[start : start + cover.size] += 1
    assert covered[: cover.length].min() >= 1
    assert len(cover.starts) == 1 or cover.starts[-1] + cover.size == cover.length
    assert list(cover.starts) == sorted(set(cover.starts))
    assert cover.settled(len(cover.starts) - 1) == cover.length


@given(covers, st.integers(1, 1000))
def test_sections_cover_the_axis_with_all_windows_that_touch_them(cover, most):
    sections = cover.sections(most)
    assert [section.first for section in sections] == [0, *(section.stop for section in sections[:-1])]
    assert sections[-1].stop == cover.length
    for section in sections:
        assert section.first % BLOCK == 0
        assert 0 < section.stop - section.first < most + BLOCK
        touching = [
            place for place, start in enumerate(cover.starts)
            if start < section.stop and start + cover.size > section.first
        ]  # fmt: skip
        assert list(section.windows) == touching
        assert section.reach[0] <= section.first
        assert section.stop <= section.reach[1] <= cover.length


@given(st.integers(65, 2000), st.sampled_from([0.0, 0.25, 0.5]))
def test_neighbours_share_at_least_the_overlap(length, overlap):
    cover = Cover.of(length, 64, overlap)
    assert all(one + 64 - other >= 64 * overlap for one, other in zip(cover.starts, cover.starts[1:], strict=False))


@given(covers)
def test_weights_are_positive_and_sum_to_one(cover):
    weights = cover.weights()
    total = np.zeros(cover.length + cover.size)
    for start, weight in zip(cover.starts, weights, strict=True):
        total[start : start + cover.size] += weight
        inside = min(cover.size, cover.length - start)
        assert (weight[:inside] > 0).all() and (weight[inside:] == 0).all()
    np.testing.assert_allclose(total[: cover.length], 1, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(covers, covers, st.integers(0, 2**32 - 1))
def test_rows_equal_a_blend_of_the_whole_image(rows, cols, seed):
    random = np.random.default_rng(seed)
    blender = Blender(2, rows, cols, *cols.sections(cols.length))
    row_weights, col_weights = rows.weights(), cols.weights()
    whole = np.zeros((2, rows.length + rows.size, cols.length + cols.size))
    strips, next_row = [], 0
    for row, top in enumerate(rows.starts):
        for col, left in enumerate(cols.starts):
            answer = random.random((2, rows.size, cols.size), dtype=np.float32)
            weight = np.outer(row_weights[row], col_weights[col])
            whole[:, top : top + rows.size, left : left + cols.size] += answer * weight
            blender.add(row, col, answer)
        first, strip = blender.take(row)
        assert first == next_row
        assert strip.shape[1] % BLOCK == 0 or row == len(rows.starts) - 1
        next_row += strip.shape[1]
        strips.append(strip)
    np.testing.assert_allclose(
        np.concatenate(strips, axis=1), whole[:, : rows.length, : cols.length], rtol=1e-5, atol=1e-6
    )


def test_a_window_without_overlap_is_taken_as_it_is():
    cover = Cover.of(128, 64, 0.0)
    assert (cover.weights() == 1).all()


def test_softmax_is_a_distribution_also_for_large_logits():
    logits = np.array([1000.0, 0.0, -1000.0], np.float32)[:, None, None] * np.ones((3, 2, 2), np.float32)
    np.testing.assert_array_equal(softmax(logits)[:, 0, 0], [1, 0, 0])


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_choice_equals_argmax(count):
    probabilities = np.random.default_rng(count).integers(0, 5, (count, 20, 30)).astype(np.float32)
    indices, best = choose_classes(probabilities)
    np.testing.assert_array_equal(indices, probabilities.argmax(axis=0))
    np.testing.assert_array_equal(best, probabilities.max(axis=0))
