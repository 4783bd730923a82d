"""Losses that are a mean over pixels, against numpy and torch."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import SMOOTHED_LOSSES
from geoseg.models.losses.loss import IGNORE_INDEX
from geoseg.tests.engine.judging import DRAWS, WEIGHTS, columns_of, make_case, make_loss
from torch.nn import functional


def _cost(kind, p, label, gamma=2.0):
    """Return what a pixel (P,) costs by its probabilities (K, P)."""
    own = p[label, np.arange(len(label))]
    if kind == "cross entropy":
        return -np.log(own)
    if kind == "focal":
        return -((1 - own) ** gamma) * np.log(own)
    truth = np.arange(len(p))[:, None] == label
    return -np.where(truth, np.log(p), np.log(1 - p)).mean(axis=0)


@pytest.mark.parametrize("kind", SMOOTHED_LOSSES)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_pixelwise_losses_are_the_weighted_mean_of_costs(kind, classes, seed):
    logits, target = make_case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = columns_of(logits, target)
    costs, counts = _cost(kind, probability, label), weights[label]
    assert make_loss(kind)(logits, target).item() == pytest.approx(costs.mean(), rel=1e-5)
    weighted = make_loss(kind, class_weights=tuple(weights))(logits, target)
    assert weighted.item() == pytest.approx((counts * costs).sum() / counts.sum(), rel=1e-5)


@pytest.mark.parametrize("kind", SMOOTHED_LOSSES)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_smoothed_labels_cost_what_all_labels_would(kind, classes, seed):
    logits, target = make_case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = columns_of(logits, target)
    costs = 0.8 * weights[label] * _cost(kind, probability, label)
    for other in range(classes):
        costs += 0.2 / classes * weights[other] * _cost(kind, probability, np.full_like(label, other))
    smoothed = make_loss(kind, class_weights=tuple(weights), label_smoothing=0.2)(logits, target)
    assert smoothed.item() == pytest.approx(costs.sum() / weights[label].sum(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_and_its_gradient_are_those_of_torch(smoothing, weights):
    logits, target = make_case(ignored=0.3)
    theirs = functional.cross_entropy(
        logits, target, weights and torch.tensor(weights), ignore_index=IGNORE_INDEX, label_smoothing=smoothing
    )
    ours = make_loss("cross entropy", class_weights=weights or (), label_smoothing=smoothing)(logits, target)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    slopes = [torch.autograd.grad(one, logits)[0] for one in (ours, theirs)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-8)


def test_binary_cross_entropy_is_that_of_torch():
    logits, target = make_case(classes=4)
    truth = functional.one_hot(target, 4).permute(0, 3, 1, 2).double()
    theirs = functional.binary_cross_entropy(torch.softmax(logits.double(), 1), truth)
    assert make_loss("binary cross entropy")(logits, target).item() == pytest.approx(theirs.item(), rel=1e-6)


@pytest.mark.parametrize("settings", [{}, {"class_weights": (1.0, 5.0)}, {"label_smoothing": 0.2}])
def test_of_two_classes_binary_cross_entropy_is_cross_entropy(settings):
    logits, target = make_case(classes=2, ignored=0.3)
    values = [make_loss(kind, **settings)(30 * logits, target) for kind in ("binary cross entropy", "cross entropy")]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-6)


def test_focal_of_gamma_0_is_cross_entropy():
    logits, target = make_case(ignored=0.3)
    settings = {"class_weights": WEIGHTS, "label_smoothing": 0.1}
    assert make_loss("focal(0)", **settings)(logits, target) == make_loss("cross entropy", **settings)(logits, target)


def test_weights_of_classes_change_what_is_learned():
    # Half of the pixels say one thing, half the other: the heavier class wins, and as much as it is heavier.
    target = torch.tensor([[[0, 1]]])
    logits = torch.zeros(1, 2, 1, 1, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    loss = make_loss("cross entropy", class_weights=(1.0, 3.0))
    for _ in range(200):
        optimiser.zero_grad()
        loss(logits.expand(1, 2, 1, 2), target).backward()
        optimiser.step()
    assert torch.softmax(logits, 1)[0, 1].item() == pytest.approx(0.75, abs=0.01)
