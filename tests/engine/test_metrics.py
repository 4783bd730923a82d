"""Metrics against independent formulas."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.training.metrics import Scores, confusion_matrices, trivial_matrix
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def _tiles(seed=0, classes=4):
    random = np.random.default_rng(seed)
    truth = random.integers(-1, classes, (3, 16, 16))
    predicted = np.where(random.random(truth.shape) < 0.6, truth.clip(0), random.integers(0, classes, truth.shape))
    return truth, predicted


def test_counts_each_tile_apart():
    truth, predicted = _tiles()
    matrices = confusion_matrices(torch.from_numpy(truth), torch.from_numpy(predicted), 4).numpy()
    for tile in range(3):
        for true in range(4):
            for chosen in range(4):
                expected = ((truth[tile] == true) & (predicted[tile] == chosen)).sum()
                assert matrices[tile, true, chosen] == expected
    assert matrices.sum() == (truth >= 0).sum()


def test_scores_against_sets_of_pixels():
    truth, predicted = _tiles()
    matrix = confusion_matrices(torch.from_numpy(truth), torch.from_numpy(predicted), 4).numpy().sum(axis=0)
    scores = Scores.of(matrix)
    known = truth >= 0
    for k in range(4):
        a, b = set(np.flatnonzero((truth == k) & known)), set(np.flatnonzero((predicted == k) & known))
        assert scores.iou[k] == pytest.approx(len(a & b) / len(a | b))
        assert scores.precision[k] == pytest.approx(len(a & b) / len(b))
        assert scores.recall[k] == pytest.approx(len(a & b) / len(a))
        assert scores.f1[k] == pytest.approx(2 * len(a & b) / (len(a) + len(b)))
    assert scores.mean_iou == pytest.approx(scores.iou.mean())
    assert scores.accuracy == pytest.approx((truth == predicted)[known].mean())


def test_absent_classes_do_not_count():
    scores = Scores.of(np.array([[6, 2, 0], [0, 0, 0], [0, 0, 0]]))
    assert scores.iou[0] == scores.mean_iou == 0.75
    assert np.isnan(scores.iou[1:]).all()
    assert np.isnan(scores.f1[1:]).all()
    assert np.isnan(scores.recall[1:]).all()
    assert scores.precision[:2].tolist() == [1.0, 0.0]
    assert np.isnan(scores.precision[2])


def test_the_foreground_is_all_but_the_first_class():
    matrix = np.array([[90, 5, 0, 5], [10, 30, 0, 0], [0, 0, 0, 0], [0, 0, 0, 20]])
    scores = Scores.of(matrix)
    assert scores.foreground_iou == pytest.approx((30 / 45 + 20 / 25) / 2)
    assert scores.mean_iou == pytest.approx((90 / 110 + 30 / 45 + 20 / 25) / 3)
    assert np.isnan(Scores.of(np.array([[7, 3], [0, 0]])).foreground_iou)


def test_figures_of_several_tiles_are_of_all_pixels_together_and_no_mean():
    """Averaged over tiles, a tile with a single pixel of a class would count as much as one full of it."""
    truth = torch.zeros(2, 10, 10, dtype=torch.int64)
    truth[0, :5] = 1
    truth[1, 0, 0] = 1
    predicted = truth.clone()
    predicted[1, 0, 0] = 0
    matrices = confusion_matrices(truth, predicted, 2).numpy()
    together, apart = Scores.of(matrices.sum(axis=0)), [Scores.of(matrix) for matrix in matrices]
    assert together.iou[1] == pytest.approx(50 / 51)
    assert np.mean([one.iou[1] for one in apart]) == 0.5


def test_nothing_at_all_is_nan():
    scores = Scores.of(np.zeros((2, 2), dtype=np.int64))
    assert np.isnan(scores.mean_iou)
    assert np.isnan(scores.foreground_iou)
    assert np.isnan(scores.accuracy)


def test_the_trivial_answer_has_its_share_as_iou():
    matrix = np.array([[50, 10], [20, 20]])
    trivial = Scores.of(trivial_matrix(matrix, 0))
    assert trivial.iou.tolist() == [0.6, 0.0]
    assert trivial.accuracy == 0.6


@given(arrays(np.int64, (3, 3), elements=st.integers(0, 10**9)))
def test_bounds_and_the_tie_between_iou_and_f1(matrix):
    scores = Scores.of(matrix)
    some = ~np.isnan(scores.iou)
    assert (scores.iou[some] <= scores.f1[some] + 1e-12).all()
    assert scores.f1[some] == pytest.approx(2 * scores.iou[some] / (1 + scores.iou[some]))
