"""All losses: no say for ignored pixels, finite everywhere, and falling when followed."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import LOSS_ARGUMENTS
from geoseg.geoseg_plugin.contract.stages.training_parts.objective import LOSSES
from geoseg.models.losses.borders import weigh_borders
from geoseg.models.losses.loss import IGNORE_INDEX
from geoseg.tests.engine.judging import WEIGHTS, make_case, make_loss
from torch.nn import functional

ALL = tuple(dict.fromkeys((*LOSSES, *LOSS_ARGUMENTS, "focal(0.5)", "tversky(1, 0)", "f-beta(0)")))


def test_a_sum_adds_up_its_weighted_parts():
    logits, target = make_case(ignored=0.3)
    sum_of_three = make_loss("2 * cross entropy + 0.5 * f-beta(2) + lovasz", class_weights=WEIGHTS)(logits, target)
    parts = [
        make_loss(name, class_weights=WEIGHTS)(logits, target).item() for name in ("cross entropy", "f2", "lovasz")
    ]
    assert sum_of_three.item() == pytest.approx(2 * parts[0] + 0.5 * parts[1] + parts[2], rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_ignored_pixels_have_no_say(name):
    settings = {"class_weights": WEIGHTS, "border_weight": 4.0, "border_width": 3}
    logits, target = make_case()
    target[:, :4] = IGNORE_INDEX
    loss = make_loss(name, **settings)(logits, target)
    loss.backward()
    assert (logits.grad[:, :, :4] == 0).all()
    assert (logits.grad[:, :, 4:] != 0).any()
    changed = logits.detach().clone()
    changed[:, :, :4] += 5
    assert make_loss(name, **settings)(changed, target) == pytest.approx(loss.item(), rel=1e-6)
    alone = make_loss(name, **settings)(logits.detach()[:, :, 4:], target[:, 4:])
    assert alone.item() == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_batch_without_labels_is_finite_and_moves_nothing(name):
    logits, target = make_case()
    loss = make_loss(name, class_weights=WEIGHTS, border_weight=4.0)(logits, torch.full_like(target, IGNORE_INDEX))
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("only", [0, 1])
def test_empty_and_full_tiles_are_finite(name, scale, only):
    logits, target = make_case(classes=2)
    for settings in ({}, {"class_weights": (0.0, 1.0)}, {"border_weight": 4.0}):
        loss = make_loss(name, **settings)(scale * logits, torch.full_like(target, only))
        (slope,) = torch.autograd.grad(loss, logits)
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("only", [0, 1])
@pytest.mark.parametrize("error", [-8.0, 0.0, 8.0])
def test_empty_and_full_tiles_teach_what_they_show(name, only, error):
    # The network is told to see less of the class that is not there, also where it is very sure of it.
    _, target = make_case(classes=2)
    logits = torch.zeros(2, 2, 8, 8)
    logits[:, 1 - only] = error
    logits.requires_grad_()
    loss = make_loss(name)(logits, torch.full_like(target, only))
    loss.backward()
    if name in ("tversky(1, 0)", "f-beta(0)"):  # precision alone: where everything is true no alarm is false
        assert loss.item() == pytest.approx(0, abs=1e-6)
    else:
        assert (logits.grad[:, 1 - only] > 0).all()
        assert (logits.grad[:, only] < 0).all()


@pytest.mark.parametrize("name", ALL)
def test_the_truth_is_the_minimum(name):
    logits, target = make_case()
    truth = 30.0 * functional.one_hot(target, 3).permute(0, 3, 1, 2)
    loss = make_loss(name, border_weight=4.0)
    assert loss(truth, target).item() == pytest.approx(0, abs=1e-5)
    assert loss(logits, target) > 0.1
    assert loss(-truth, target) > loss(logits, target)


@pytest.mark.parametrize("name", ALL)
def test_who_follows_a_loss_learns_the_labels(name):
    logits, target = make_case(classes=3, ignored=0.2)
    loss, learned = make_loss(name, class_weights=WEIGHTS, border_weight=2.0), logits.detach().clone().requires_grad_()
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
    logits, target = make_case()
    loss = make_loss(name, class_weights=WEIGHTS, border_weight=2.0)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = loss(logits.bfloat16(), target)
    assert coarse.dtype == torch.float32
    assert coarse.item() == pytest.approx(loss(logits, target).item(), rel=0.02)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [1, 2])
def test_a_pixel_of_weight_3_counts_as_three_pixels(name, width):
    # Border weights of 2 at the border are 1 + 2 or, where it is two pixels wide, then 1 + 1.
    logits, target = make_case(side=6, ignored=0.1)
    target[:, :, 3:] = 1
    counts = weigh_borders(target, target != IGNORE_INDEX, 2.0, width).long()
    assert set(counts.unique().tolist()) == ({1, 3} if width == 1 else {1, 2, 3})
    repeated = logits.detach().permute(1, 0, 2, 3).flatten(1).repeat_interleave(counts.flatten(), dim=1)
    labels = target.flatten().repeat_interleave(counts.flatten())
    settings = {"class_weights": WEIGHTS}
    plain = make_loss(name, **settings)(repeated[None, :, None], labels[None, None])
    weighted = make_loss(name, **settings, border_weight=2.0, border_width=width)(logits, target)
    assert weighted.item() == pytest.approx(plain.item(), rel=1e-5)
