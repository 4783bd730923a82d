"""Losses that measure the overlap of areas, against numpy and the library."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from geoseg.models.losses.loss import IGNORE_INDEX
from geoseg.tests.engine.judging import DRAWS, columns_of, make_case, make_loss
from segmentation_models_pytorch import losses as smp_losses
from torch.nn import functional

OVERLAPS = ("dice", "jaccard", "tversky(0.3, 0.6)", "f-beta(0.5)", "f1", "f2", "lovasz")


def _score(kind, p, truth):
    """Return the overlap of one class by its probabilities (P,) and where it is true (P,)."""
    hits, alarms, misses = (p * truth).sum(), (p * ~truth).sum(), ((1 - p) * truth).sum()
    precision, recall = hits / p.sum(), hits / truth.sum()
    if kind == "lovasz":
        return 1 - _lovasz(np.abs(truth - p), truth)
    if kind.startswith("f"):
        beta = {"f1": 1.0, "f2": 2.0, "f-beta(0.5)": 0.5}[kind]
        return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    return {
        "dice": 2 * hits / (p.sum() + truth.sum()),
        "jaccard": hits / (p.sum() + truth.sum() - hits),
        "tversky(0.3, 0.6)": hits / (hits + 0.3 * alarms + 0.6 * misses),
    }[kind]


def _lovasz(errors, truth):
    """Return the Lovasz extension of 1 - IoU by its definition: the mean of the set function over all thresholds."""
    levels = np.concatenate([[0.0], np.sort(errors)])
    total = 0.0
    for low, high in pairwise(levels):
        wrong = errors > low
        total += (high - low) * wrong.sum() / (truth | wrong).sum()
    return total


@pytest.mark.parametrize("kind", OVERLAPS)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_overlap_losses_are_the_weighted_mean_over_classes(kind, classes, seed):
    logits, target = make_case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = columns_of(logits, target)
    losses = np.array([1 - _score(kind, probability[index], label == index) for index in range(classes)])
    assert make_loss(kind)(logits, target).item() == pytest.approx(losses.mean(), rel=1e-5)
    weighted = make_loss(kind, class_weights=tuple(weights))(logits, target)
    assert weighted.item() == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        ("dice", smp_losses.DiceLoss("multiclass", ignore_index=IGNORE_INDEX)),
        ("jaccard", smp_losses.JaccardLoss("multiclass", ignore_index=IGNORE_INDEX)),
        ("tversky(0.4, 0.6)", smp_losses.TverskyLoss("multiclass", ignore_index=IGNORE_INDEX, alpha=0.4, beta=0.6)),
        ("lovasz", smp_losses.LovaszLoss("multiclass", ignore_index=IGNORE_INDEX)),
    ],
)
def test_overlap_losses_and_their_gradients_are_those_of_the_library(kind, theirs):
    logits, target = make_case(ignored=0.3)
    values = [make_loss(kind)(logits, target), theirs(logits, target)]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.7])
def test_f_beta_is_tversky_with_its_alpha_and_beta(beta):
    logits, target = make_case(ignored=0.3)
    alarms, misses = 1 / (1 + beta**2), beta**2 / (1 + beta**2)
    values = [make_loss(formula)(logits, target) for formula in (f"f-beta({beta})", f"tversky({alarms}, {misses})")]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_f_beta_at_its_anchor(beta):
    # y = [1, 1, 0, 0] and p = [1, 0, 1, 0] have the precision, the recall and every F-beta 0.5, as has the other class.
    predicted, target = torch.tensor([[[1, 0, 1, 0]]]), torch.tensor([[[1, 1, 0, 0]]])
    logits = 60.0 * functional.one_hot(predicted, 2).permute(0, 3, 1, 2)
    assert make_loss(f"f-beta({beta})")(logits, target).item() == pytest.approx(0.5)


@pytest.mark.parametrize("name", OVERLAPS)
def test_a_class_that_the_batch_lacks_adds_nothing_to_the_mean(name):
    logits, target = make_case(classes=2, ignored=0.3)
    with_third = torch.cat([logits, torch.full_like(logits[:, :1], -60)], dim=1)
    assert make_loss(name)(with_third, target).item() == pytest.approx(
        2 / 3 * make_loss(name)(logits, target).item(), rel=1e-5
    )


@pytest.mark.parametrize("name", OVERLAPS)
def test_a_heavy_class_that_the_batch_lacks_leaves_the_others_what_they_are(name):
    logits, target = make_case(classes=2, ignored=0.3)
    with_third = torch.cat([logits, torch.full_like(logits[:, :1], -60)], dim=1)
    values = [
        make_loss(name, class_weights=(0.045, 0.394, 2.561))(with_third, target),
        2 / 3 * make_loss(name, class_weights=(0.045, 0.394))(logits, target),
    ]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-5)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", OVERLAPS)
@pytest.mark.parametrize("occurs", [False, True])
def test_a_class_of_weight_0_is_as_if_it_were_none(name, occurs):
    logits, target = make_case(classes=3, ignored=0.3)
    if not occurs:
        target[target == 2] = 0
    by_two, by_three = (
        (make_loss(name, class_weights=weights)(logits, target)) for weights in ((1, 2, 0), (1, 2, 1e-9))
    )
    share = 1 if occurs else 2 / 3
    assert by_three.item() == pytest.approx(share * by_two.item(), rel=1e-5)
