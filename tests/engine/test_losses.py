"""Losses: right values, no say for ignored pixels, finite everywhere, and falling when followed."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import LOSS_ARGUMENTS, SMOOTHED_LOSSES, parse_losses
from geoseg.geoseg_plugin.contract.stages.training import LOSSES
from geoseg.models.losses.borders import weigh_borders
from geoseg.models.losses.loss import IGNORE_INDEX, LossSettings, build_loss
from segmentation_models_pytorch import losses as smp_losses
from torch.nn import functional

EACH = tuple(LOSS_ARGUMENTS)
OVERLAPS = ("dice", "jaccard", "tversky(0.3, 0.6)", "f-beta(0.5)", "f1", "f2", "lovasz")
ALL = tuple(dict.fromkeys((*LOSSES, *EACH, "focal(0.5)", "tversky(1, 0)", "f-beta(0)")))
WEIGHTS = (0.5, 3.0, 0.25)
DRAWS = [(classes, seed) for classes in (2, 3, 7) for seed in range(3)]


def _loss(formula, **settings):
    return build_loss(LossSettings(parse_losses(formula), **settings))


def _case(classes=3, seed=0, side=8, ignored=0.0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, classes, side, side, generator=generator)
    target = torch.randint(0, classes, (2, side, side), generator=generator)
    target[torch.rand(target.shape, generator=generator) < ignored] = IGNORE_INDEX
    return logits.requires_grad_(), target


def _columns(logits, target):
    """Return softmax probabilities (K, P) and labels (P,) of the known pixels in float64, by numpy alone."""
    known = target.numpy().ravel() != IGNORE_INDEX
    scores = logits.detach().double().numpy().swapaxes(0, 1).reshape(logits.shape[1], -1)[:, known]
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0), target.numpy().ravel()[known]


def _cost(kind, p, label, gamma=2.0):
    """Return what a pixel (P,) costs by its probabilities (K, P)."""
    own = p[label, np.arange(len(label))]
    if kind == "cross entropy":
        return -np.log(own)
    if kind == "focal":
        return -((1 - own) ** gamma) * np.log(own)
    truth = np.arange(len(p))[:, None] == label
    return -np.where(truth, np.log(p), np.log(1 - p)).mean(axis=0)


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


@pytest.mark.parametrize("kind", SMOOTHED_LOSSES)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_pixelwise_losses_are_the_weighted_mean_of_costs(kind, classes, seed):
    logits, target = _case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = _columns(logits, target)
    costs, counts = _cost(kind, probability, label), weights[label]
    assert _loss(kind)(logits, target).item() == pytest.approx(costs.mean(), rel=1e-5)
    weighted = _loss(kind, class_weights=tuple(weights))(logits, target)
    assert weighted.item() == pytest.approx((counts * costs).sum() / counts.sum(), rel=1e-5)


@pytest.mark.parametrize("kind", SMOOTHED_LOSSES)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_smoothed_labels_cost_what_all_labels_would(kind, classes, seed):
    logits, target = _case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = _columns(logits, target)
    costs = 0.8 * weights[label] * _cost(kind, probability, label)
    for other in range(classes):
        costs += 0.2 / classes * weights[other] * _cost(kind, probability, np.full_like(label, other))
    smoothed = _loss(kind, class_weights=tuple(weights), label_smoothing=0.2)(logits, target)
    assert smoothed.item() == pytest.approx(costs.sum() / weights[label].sum(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_and_its_gradient_are_those_of_torch(smoothing, weights):
    logits, target = _case(ignored=0.3)
    theirs = functional.cross_entropy(
        logits, target, weights and torch.tensor(weights), ignore_index=IGNORE_INDEX, label_smoothing=smoothing
    )
    ours = _loss("cross entropy", class_weights=weights or (), label_smoothing=smoothing)(logits, target)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
    slopes = [torch.autograd.grad(one, logits)[0] for one in (ours, theirs)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-8)


def test_binary_cross_entropy_is_that_of_torch():
    logits, target = _case(classes=4)
    truth = functional.one_hot(target, 4).permute(0, 3, 1, 2).double()
    theirs = functional.binary_cross_entropy(torch.softmax(logits.double(), 1), truth)
    assert _loss("binary cross entropy")(logits, target).item() == pytest.approx(theirs.item(), rel=1e-6)


@pytest.mark.parametrize("settings", [{}, {"class_weights": (1.0, 5.0)}, {"label_smoothing": 0.2}])
def test_of_two_classes_binary_cross_entropy_is_cross_entropy(settings):
    logits, target = _case(classes=2, ignored=0.3)
    values = [_loss(kind, **settings)(30 * logits, target) for kind in ("binary cross entropy", "cross entropy")]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-6)


def test_focal_of_gamma_0_is_cross_entropy():
    logits, target = _case(ignored=0.3)
    settings = {"class_weights": WEIGHTS, "label_smoothing": 0.1}
    assert _loss("focal(0)", **settings)(logits, target) == _loss("cross entropy", **settings)(logits, target)


@pytest.mark.parametrize("kind", OVERLAPS)
@pytest.mark.parametrize(("classes", "seed"), DRAWS)
def test_overlap_losses_are_the_weighted_mean_over_classes(kind, classes, seed):
    logits, target = _case(classes, seed, ignored=0.3)
    weights = np.random.default_rng(seed).uniform(0.1, 4, classes)
    probability, label = _columns(logits, target)
    losses = np.array([1 - _score(kind, probability[index], label == index) for index in range(classes)])
    assert _loss(kind)(logits, target).item() == pytest.approx(losses.mean(), rel=1e-5)
    weighted = _loss(kind, class_weights=tuple(weights))(logits, target)
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
    logits, target = _case(ignored=0.3)
    values = [_loss(kind)(logits, target), theirs(logits, target)]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.7])
def test_f_beta_is_tversky_with_its_alpha_and_beta(beta):
    logits, target = _case(ignored=0.3)
    alarms, misses = 1 / (1 + beta**2), beta**2 / (1 + beta**2)
    values = [_loss(formula)(logits, target) for formula in (f"f-beta({beta})", f"tversky({alarms}, {misses})")]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-6)
    slopes = [torch.autograd.grad(value, logits)[0] for value in values]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_f_beta_at_its_anchor(beta):
    # y = [1, 1, 0, 0] and p = [1, 0, 1, 0] have the precision, the recall and every F-beta 0.5, as has the other class.
    predicted, target = torch.tensor([[[1, 0, 1, 0]]]), torch.tensor([[[1, 1, 0, 0]]])
    logits = 60.0 * functional.one_hot(predicted, 2).permute(0, 3, 1, 2)
    assert _loss(f"f-beta({beta})")(logits, target).item() == pytest.approx(0.5)


def test_a_sum_adds_up_its_weighted_parts():
    logits, target = _case(ignored=0.3)
    sum_of_three = _loss("2 * cross entropy + 0.5 * f-beta(2) + lovasz", class_weights=WEIGHTS)(logits, target)
    parts = [_loss(name, class_weights=WEIGHTS)(logits, target).item() for name in ("cross entropy", "f2", "lovasz")]
    assert sum_of_three.item() == pytest.approx(2 * parts[0] + 0.5 * parts[1] + parts[2], rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_ignored_pixels_have_no_say(name):
    settings = {"class_weights": WEIGHTS, "border_weight": 4.0, "border_width": 3}
    logits, target = _case()
    target[:, :4] = IGNORE_INDEX
    loss = _loss(name, **settings)(logits, target)
    loss.backward()
    assert (logits.grad[:, :, :4] == 0).all()
    assert (logits.grad[:, :, 4:] != 0).any()
    changed = logits.detach().clone()
    changed[:, :, :4] += 5
    assert _loss(name, **settings)(changed, target) == pytest.approx(loss.item(), rel=1e-6)
    alone = _loss(name, **settings)(logits.detach()[:, :, 4:], target[:, 4:])
    assert alone.item() == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_batch_without_labels_is_finite_and_moves_nothing(name):
    logits, target = _case()
    loss = _loss(name, class_weights=WEIGHTS, border_weight=4.0)(logits, torch.full_like(target, IGNORE_INDEX))
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("only", [0, 1])
def test_empty_and_full_tiles_are_finite(name, scale, only):
    logits, target = _case(classes=2)
    for settings in ({}, {"class_weights": (0.0, 1.0)}, {"border_weight": 4.0}):
        loss = _loss(name, **settings)(scale * logits, torch.full_like(target, only))
        (slope,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("only", [0, 1])
@pytest.mark.parametrize("error", [-8.0, 0.0, 8.0])
def test_empty_and_full_tiles_teach_what_they_show(name, only, error):
    # The network is told to see less of the class that is not there, also where it is very sure of it.
    _, target = _case(classes=2)
    logits = torch.zeros(2, 2, 8, 8)
    logits[:, 1 - only] = error
    logits.requires_grad_()
    loss = _loss(name)(logits, torch.full_like(target, only))
    loss.backward()
    if name in ("tversky(1, 0)", "f-beta(0)"):  # precision alone: where everything is true no alarm is false
        assert loss.item() == pytest.approx(0, abs=1e-6)
    else:
        assert (logits.grad[:, 1 - only] > 0).all()
        assert (logits.grad[:, only] < 0).all()


@pytest.mark.parametrize("name", OVERLAPS)
def test_a_class_that_the_batch_lacks_adds_nothing_to_the_mean(name):
    logits, target = _case(classes=2, ignored=0.3)
    with_third = torch.cat([logits, torch.full_like(logits[:, :1], -60)], dim=1)
    assert _loss(name)(with_third, target).item() == pytest.approx(2 / 3 * _loss(name)(logits, target).item(), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_the_truth_is_the_minimum(name):
    logits, target = _case()
    truth = 30.0 * functional.one_hot(target, 3).permute(0, 3, 1, 2)
    loss = _loss(name, border_weight=4.0)
    assert loss(truth, target).item() == pytest.approx(0, abs=1e-5)
    assert loss(logits, target) > 0.1
    assert loss(-truth, target) > loss(logits, target)


@pytest.mark.parametrize("name", ALL)
def test_who_follows_a_loss_learns_the_labels(name):
    logits, target = _case(classes=3, ignored=0.2)
    loss, learned = _loss(name, class_weights=WEIGHTS, border_weight=2.0), logits.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([learned], lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss(learned, target).backward()
        optimiser.step()
    known = target != IGNORE_INDEX
    if name in ("tversky(1, 0)", "f-beta(0)"):  # precision is bought with misses
        assert loss(learned, target) < 0.1 * loss(logits, target)
    else:
        assert (learned.argmax(1)[known] == target[known]).all()


@pytest.mark.parametrize("name", ALL)
def test_half_precision_logits_give_a_float32_loss(name):
    logits, target = _case()
    loss = _loss(name, class_weights=WEIGHTS, border_weight=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = loss(logits.bfloat16(), target)
    assert coarse.dtype == torch.float32
    assert coarse.item() == pytest.approx(loss(logits, target).item(), rel=0.02)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [1, 2])
def test_a_pixel_of_weight_3_counts_as_three_pixels(name, width):
    # Border weights of 2 at the border are 1 + 2 or, where it is two pixels wide, then 1 + 1.
    logits, target = _case(side=6, ignored=0.1)
    target[:, :, 3:] = 1
    counts = weigh_borders(target, target != IGNORE_INDEX, 2.0, width).long()
    assert set(counts.unique().tolist()) == ({1, 3} if width == 1 else {1, 2, 3})
    repeated = logits.detach().permute(1, 0, 2, 3).flatten(1).repeat_interleave(counts.flatten(), dim=1)
    labels = target.flatten().repeat_interleave(counts.flatten())
    settings = {"class_weights": WEIGHTS}
    plain = _loss(name, **settings)(repeated[None, :, None], labels[None, None])
    weighted = _loss(name, **settings, border_weight=2.0, border_width=width)(logits, target)
    assert weighted.item() == pytest.approx(plain.item(), rel=1e-5)


def test_weights_of_classes_change_what_is_learned():
    # Half of the pixels say one thing, half the other: the heavier class wins, and as much as it is heavier.
    target = torch.tensor([[[0, 1]]])
    logits = torch.zeros(1, 2, 1, 1, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    loss = _loss("cross entropy", class_weights=(1.0, 3.0))
    for _ in range(200):
        optimiser.zero_grad()
        loss(logits.expand(1, 2, 1, 2), target).backward()
        optimiser.step()
    assert torch.softmax(logits, 1)[0, 1].item() == pytest.approx(0.75, abs=0.01)
