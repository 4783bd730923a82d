"""Losses: right values, no say for ignored pixels, finite everywhere, and falling when followed."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.training import LOSSES
from geoseg.models.losses.loss import IGNORE_INDEX, build_loss


def _case(classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, classes, 8, 8, generator=generator, requires_grad=True)
    target = torch.randint(0, classes, (2, 8, 8), generator=generator)
    return logits, target


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_have_no_say(name):
    logits, target = _case()
    target[:, :4] = IGNORE_INDEX
    loss = build_loss(name)(logits, target)
    loss.backward()
    assert (logits.grad[:, :, :4] == 0).all()
    assert (logits.grad[:, :, 4:] != 0).any()
    changed = logits.detach().clone()
    changed[:, :, :4] += 5
    assert build_loss(name)(changed, target) == pytest.approx(loss.item(), rel=1e-6)
    alone = build_loss(name)(logits.detach()[:, :, 4:], target[:, 4:])
    assert alone.item() == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_a_tile_without_labels_is_finite_and_moves_nothing(name):
    logits, target = _case()
    loss = build_loss(name)(logits, torch.full_like(target, IGNORE_INDEX))
    loss.backward()
    assert loss.shape == ()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_tile_of_one_class_is_finite(name, scale):
    logits, target = _case()
    scaled = logits * scale
    loss = build_loss(name)(scaled, torch.zeros_like(target))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_is_the_minimum(name):
    logits, target = _case()
    truth = 30.0 * torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2)
    loss = build_loss(name)
    assert loss(truth, target).item() == pytest.approx(0, abs=1e-5)
    assert loss(logits, target) > 0.1
    assert loss(-truth, target) > loss(logits, target)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_logits_give_a_float32_loss(name):
    logits, target = _case()
    loss = build_loss(name)(logits.bfloat16(), target)
    assert loss.dtype == torch.float32


def test_values_against_formulas():
    logits, target = _case(classes=2)
    target[0, 0] = IGNORE_INDEX
    probability = torch.softmax(logits.detach().double(), 1)
    valid = target != IGNORE_INDEX
    truth = torch.stack([(target == k) & valid for k in range(2)], 1).double()
    chosen = (probability * truth).sum(1)[valid]
    assert build_loss("cross entropy")(logits, target).item() == pytest.approx(-chosen.log().mean().item(), rel=1e-5)
    focal = -((1 - chosen) ** 2 * chosen.log()).mean().item()
    assert build_loss("focal")(logits, target).item() == pytest.approx(focal, rel=1e-5)
    masked = probability * valid[:, None]
    both = (masked * truth).sum((0, 2, 3))
    sizes = masked.sum((0, 2, 3)), truth.sum((0, 2, 3))
    dice = (1 - 2 * both / (sizes[0] + sizes[1])).mean().item()
    assert build_loss("dice")(logits, target).item() == pytest.approx(dice, rel=1e-5)
    jaccard = (1 - both / (sizes[0] + sizes[1] - both)).mean().item()
    assert build_loss("jaccard")(logits, target).item() == pytest.approx(jaccard, rel=1e-5)
    tversky = (1 - both / (both + 0.3 * (sizes[0] - both) + 0.7 * (sizes[1] - both))).mean().item()
    assert build_loss("tversky")(logits, target).item() == pytest.approx(tversky, rel=1e-5)
    sum_of_two = build_loss("cross entropy + dice")(logits, target).item()
    assert sum_of_two == pytest.approx(-chosen.log().mean().item() + dice, rel=1e-5)


def test_an_unknown_loss_is_refused():
    with pytest.raises(RequestError, match="hinge"):
        build_loss("hinge")
