"""What Gated-SCNN learns from, against formulas of another make."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.models import gscnn_losses
from geoseg.models.gscnn_losses import dual_task_loss, edge_loss, edge_truth, only_at_edges, two_stream_loss
from geoseg.models.losses.loss import IGNORE_INDEX, LossSettings, SummedLoss
from scipy import ndimage
from torch.nn import functional


@pytest.fixture
def target():
    """Patches of three classes, some pixels ignored (2, 24, 30)."""
    random = np.random.default_rng(3)
    classes = random.integers(0, 3, (2, 4, 5)).repeat(6, axis=1).repeat(6, axis=2)
    classes[random.random(classes.shape) < 0.1] = IGNORE_INDEX
    return torch.from_numpy(classes)


@pytest.fixture
def logits():
    return torch.randn(2, 3, 24, 30, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def edges():
    return torch.randn(2, 1, 24, 30, generator=torch.Generator().manual_seed(2))


def _confident(target, classes=3):
    return 40 * functional.one_hot(target.clamp(min=0), classes).permute(0, 3, 1, 2).float()


def test_edges_are_where_another_class_is_within_two_pixels(target):
    wanted = np.zeros(target.shape)
    for one, edge in zip(target.numpy(), wanted, strict=True):
        for value in range(3):
            others = (one != value) & (one != IGNORE_INDEX)
            edge[(one == value) & (ndimage.distance_transform_edt(~others) <= 2)] = 1
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(edge_truth(target)[:, 0].numpy(), wanted)


def test_the_first_class_has_edges_too():
    target = torch.zeros(1, 8, 8, dtype=torch.int64)
    target[..., 4:] = 1
    assert edge_truth(target)[0, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


def test_the_edge_loss_is_balanced_and_of_logits(edges, target):
    truth, known = edge_truth(target)[:, 0].numpy(), target.numpy() != IGNORE_INDEX
    probability = 1 / (1 + np.exp(-edges[:, 0].double().numpy()))
    share = truth[known].mean()
    each = np.where(truth, -(1 - share) * np.log(probability), -share * np.log(1 - probability))
    assert edge_loss(edges, target).item() == pytest.approx(each[known].mean(), rel=1e-5)


def test_perfect_edges_cost_nothing(target):
    assert edge_loss(40 * (2 * edge_truth(target) - 1), target).item() < 1e-6


def test_only_certain_edges_remain(target):
    edges = torch.full((2, 1, 24, 30), 1.3)
    edges[..., :5] = 1.5  # sigmoid 0.82
    remaining = only_at_edges(edges, target)
    assert torch.equal(remaining[..., :5], target[..., :5])
    assert (remaining[..., 5:] == IGNORE_INDEX).all()


def test_the_dual_task_compares_slopes(logits, target):
    torch.manual_seed(5)
    drawn = functional.gumbel_softmax(logits, tau=0.5, dim=1).numpy()
    truth = functional.one_hot(target.clamp(min=0), 3).permute(0, 3, 1, 2).numpy().astype(float)
    near_ignored = np.stack([ndimage.binary_dilation(one == IGNORE_INDEX, np.ones((3, 3))) for one in target.numpy()])
    predicted, true = (
        np.array([[np.hypot(*(ndimage.sobel(one, axis, mode="nearest") / 4 for axis in (0, 1))) for one in maps]
                  for maps in both])
        for both in (drawn, truth)
    )  # fmt: skip
    known = np.broadcast_to(~near_ignored[:, None], truth.shape)
    difference = np.abs(predicted - true)
    wanted = (difference[known & (predicted > 1e-5)].mean() + difference[known & (true > 1e-5)].mean()) / 2
    torch.manual_seed(5)
    assert dual_task_loss(logits, target).item() == pytest.approx(wanted, rel=1e-3)


def test_the_dual_task_knows_borders_that_are_right_from_those_that_are_not():
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[..., 8:] = 1
    right, shifted, none = (dual_task_loss(_confident(one, 2), target).item() for one in (
        target, target.roll(3, dims=2), torch.zeros_like(target),
    ))  # fmt: skip
    assert right < 1e-4
    assert shifted > 0.5
    assert none > 0.4


def test_the_dual_task_teaches_the_network(logits, target):
    logits.requires_grad_()
    dual_task_loss(logits, target).backward()
    assert logits.grad.abs().sum() > 0
    assert torch.isfinite(logits.grad).all()


def test_the_seed_decides_what_is_drawn(logits, target):
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(dual_task_loss(logits, target).item())
    assert values[0] == values[1] != values[2]


@pytest.fixture
def loss():
    return SummedLoss(LossSettings(parse_losses("cross entropy + dice")))


def test_all_of_it_is_the_sum(logits, edges, target, loss, monkeypatch):
    monkeypatch.setattr(gscnn_losses, "dual_task_loss", lambda *_: torch.tensor(0.25))
    edges = 3 * edges
    known_edges = torch.where(edges[:, 0] > np.log(4), target, IGNORE_INDEX)
    wanted = loss(logits, target) + 20 * edge_loss(edges, target) + loss(logits, known_edges) + 0.25
    assert two_stream_loss(loss)((logits, edges), target).item() == pytest.approx(wanted.item(), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_ignored_pixels_have_no_part_in_it(logits, edges, target, loss, dtype):
    given = tuple((3 * part).to(dtype).requires_grad_() for part in (logits, edges))
    value = two_stream_loss(loss)(given, target)
    value.backward()
    ignored = target == IGNORE_INDEX
    assert value.dtype == torch.float32
    for part in given:
        assert torch.isfinite(part.grad).all()
        assert (part.grad.movedim(1, 0)[:, ignored] == 0).all()
        assert (part.grad.movedim(1, 0)[:, ~ignored] != 0).any()


@pytest.mark.parametrize("value", [IGNORE_INDEX, 0, 2])
def test_tiles_of_one_class_or_none_are_finite(logits, edges, loss, value):
    target = torch.full((2, 24, 30), value)
    given = tuple(part.requires_grad_() for part in (logits, edges))
    total = two_stream_loss(loss)(given, target)
    total.backward()
    assert all(torch.isfinite(part.grad).all() for part in given)
    if value == IGNORE_INDEX:
        assert total == 0
        assert all((part.grad == 0).all() for part in given)
    else:
        assert total > 0
        assert (logits.grad != 0).any()
