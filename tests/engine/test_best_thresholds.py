"""Thresholds with the best F1, against trying all of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.processes.processes import ALONE
from geoseg.geoseg_plugin.engine.training.best_thresholds import (
    best_threshold,
    count_probabilities,
    find_thresholds,
)

EDGES = np.arange(1, 100) / 100


def f1(chosen, true):
    return 2 * (chosen & true).sum() / (chosen.sum() + true.sum())


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    true = random.random(4000) < 0.2
    # Hundredths and a half, so that no probability lies on an edge.
    probability = ((100 * random.beta(2, 5, 4000) + 30 * true).clip(0, 99).astype(int) + 0.5) / 100
    counts = [np.bincount((probability[which] * 100).astype(int), minlength=100) for which in (~true, true)]
    scores = [f1(probability >= edge, true) for edge in EDGES]
    found = best_threshold(*counts)
    assert f1(probability >= found, true) == max(scores)


def test_of_equal_ones_it_is_the_nearest_to_a_half():
    others, own = np.zeros(100, int), np.zeros(100, int)
    others[10], own[90] = 5, 5
    assert best_threshold(others, own) == 0.5
    others[60] = 5
    assert best_threshold(others, own) == 0.61


def test_a_class_that_is_nowhere_has_none():
    assert best_threshold(np.ones(100, int), np.zeros(100, int)) is None


def test_pixels_are_counted_by_class_and_probability():
    random = np.random.default_rng(0)
    logits, truth = random.normal(size=(2, 3, 20, 30)).astype(np.float32), random.integers(-1, 3, (2, 20, 30))
    counts = count_probabilities(torch.from_numpy(logits), torch.from_numpy(truth)).numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert counts.shape == (2, 2, 100)
    for index in (1, 2):
        for own in (False, True):
            which = (truth >= 0) & ((truth == index) == own)
            wanted = np.histogram(probabilities[:, index][which], bins=100, range=(0, 1))[0]
            assert counts[index - 1, int(own)].sum() == which.sum()
            # Rounding moves a few pixels to the next bin.
            assert np.abs(np.cumsum(counts[index - 1, int(own)]) - np.cumsum(wanted)).max() <= 2


def test_certain_pixels_have_their_place():
    logits = torch.tensor([[0.0, 100.0], [100.0, 0.0]])[None, :, None]
    counts = count_probabilities(logits, torch.tensor([[[1, 0]]]))
    assert counts[0].nonzero().tolist() == [[0, 0], [1, 99]]


@pytest.fixture
def course():
    """A network whose logits are the bands of an image, and three tiles with what it is to find in them."""
    random, network = np.random.default_rng(1), torch.nn.Conv2d(3, 3, 1)
    batches = [
        SimpleNamespace(
            images=torch.from_numpy(random.normal(size=(1, 3, 40, 40)).astype(np.float32)),
            labels=torch.from_numpy(random.choice([-1, 0, 1], (1, 40, 40))),
        )
        for _ in range(3)
    ]
    return SimpleNamespace(
        network=network, precision="float32", processes=ALONE, measured=range(3),
        dataset=SimpleNamespace(classes=ClassTable.named({0: "land", 1: "cloud", 2: "haze"})),
        batches=SimpleNamespace(count_rounds=int, by_turns=lambda tiles: (batches[tile] for tile in tiles)),
        shown=batches,
    )  # fmt: skip


WEIGHTS = {"weight": torch.eye(3)[:, :, None, None], "bias": torch.tensor([0.0, 1.0, 0.0])}


def test_all_tiles_are_looked_at_with_the_best_weights(course, recorder):
    found = find_thresholds(course, WEIGHTS, recorder)
    logits = torch.cat([one.images for one in course.shown]) + WEIGHTS["bias"][:, None, None]
    probability, truth = logits.softmax(dim=1)[:, 1].numpy(), torch.cat([one.labels for one in course.shown]).numpy()
    known = truth >= 0
    scores = [f1(probability[known] >= edge, truth[known] == 1) for edge in EDGES]
    assert list(found) == ["cloud"]  # no tile shows haze
    assert f1(probability[known] >= found["cloud"], truth[known] == 1) == pytest.approx(max(scores), abs=1e-3)
    assert recorder.fractions == [1 / 3, 2 / 3, 1]
    assert recorder.notes == [f"Thresholds of probability with the highest F1: cloud {found['cloud']:.2f}"]


def test_who_cancels_gets_none_and_is_told(course, make_recorder):
    listener = make_recorder(lambda one: len(one.fractions) == 2)
    assert find_thresholds(course, WEIGHTS, listener) == {}
    assert ["card has none" in text for text in listener.warnings] == [True]
