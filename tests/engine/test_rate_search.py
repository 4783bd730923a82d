"""The search for a learning rate, on losses whose best rates are known."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.optimization.optimizers import build_optimizer
from geoseg.geoseg_plugin.engine.training.optimization.rate_search import _choose, find_learning_rate, search_steps
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = {"optimizer": "sgd", "momentum": 0, "weight_decay": 0, "clip_gradients": 0}


def one_weight(value=0.5):
    """Return a network that gives its only weight for a pixel of 1."""
    network = nn.Conv2d(1, 1, 1, bias=False)
    network.weight.data.fill_(value)
    return network


def batch(number):
    """Return a batch of one pixel, whose label is the number of the batch."""
    made = SimpleNamespace(images=torch.ones(1, 1, 1, 1), labels=torch.tensor([[[number]]]), other_labels=None)
    made.part = lambda tiles: made
    return made


def search(recorder, loss, network=None, numbers=None, *, steps=100, precision="float32", **options):
    request = TrainSegmentation(dataset="d", model="m.safetensors", learning_rate=0.0123, **{**PLAIN, **options})
    batches = map(batch, itertools.count() if numbers is None else numbers)
    network = one_weight() if network is None else network
    return find_learning_rate(network, loss, batches, request, recorder, precision=precision, steps=steps)


def bowl(curvature):
    """Return a loss of one weight, which plain steps wider than 2 / curvature take ever farther from its lowest."""
    return lambda given, labels: 0.5 * curvature * (given.float() - 3).square().sum()


@pytest.mark.parametrize(
    ("curvature", "precision"), [(0.5, "float32"), (10, "float32"), (1000, "float32"), (0.5, "float16")]
)
def test_the_rate_suits_how_steep_a_loss_is(curvature, precision, recorder):
    found = search(recorder, bowl(curvature), precision=precision)
    assert 0.02 <= found.rate * curvature <= 0.6
    assert found.rates[0] < found.rate < found.rates[-1]
    assert not recorder.warnings
    assert f"Learning rate {found.rate:.2g}" in recorder.notes[0]


def test_the_rate_that_was_found_is_that_of_the_optimizer(recorder):
    found, network = search(recorder, bowl(10)), nn.Linear(1, 1)
    assert found.rate != pytest.approx(0.0123)
    request = TrainSegmentation(dataset="d", model="m.safetensors", learning_rate=0.0123)
    assert build_optimizer(network, request, found.rate).param_groups[0]["lr"] == found.rate


def test_the_curve_falls_and_the_search_ends_when_it_explodes(recorder):
    found = search(recorder, bowl(10))
    assert len(found.rates) == len(found.losses) < 100
    assert found.rates[-1] < 5
    assert found.rates[0] == pytest.approx(1e-6)
    growth = np.diff(np.log(found.rates))
    assert growth == pytest.approx(np.full(len(growth), growth[0]))
    assert np.interp(10 * found.rate, found.rates, found.losses) < 0.06 * found.losses[0]
    assert max(found.losses) <= 2 * found.losses[0] * 1.001


def test_of_a_flat_floor_the_middle_is_taken():
    rates, losses = np.geomspace(1e-6, 10, 71), np.ones(71)
    losses[30:51] = np.where(np.arange(21) == 18, 0.19, 0.2)  # from 0.001 to 0.1, and lowest by a little near its end
    assert _choose(rates, losses, losses, 10) == pytest.approx(0.001)


def test_noise_does_not_lead_astray(recorder):
    def noisy(given, labels):
        return bowl(10)(given, labels) + 10 * np.random.default_rng(labels.item()).random()

    assert 0.02 <= search(recorder, noisy).rate * 10 <= 0.6


def constant(given, labels):
    return 0 * given.sum() + 1.0


def noise(given, labels):
    return 0 * given.sum() + np.random.default_rng([5, labels.item()]).random()


def no_number(given, labels):
    return given.sum() * torch.nan


def uphill(given, labels):
    """What its own gradient makes larger."""
    return 2 * given.detach().sum() - given.sum()


@pytest.mark.parametrize("loss", [constant, noise, no_number, uphill])
def test_where_no_loss_falls_the_learning_rate_is_kept(loss, recorder):
    assert search(recorder, loss).rate == 0.0123
    (warning,) = recorder.warnings
    assert "LEARNING_RATE 0.0123 is kept" in warning


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_batches_find_nothing(count, recorder):
    assert search(recorder, bowl(10), numbers=range(count)).rate == 0.0123
    assert recorder.warnings


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_network_and_chance_stay_as_they_were(optimizer, recorder):
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 1, 1)).eval()
    before, chance = {name: one.clone() for name, one in network.state_dict().items()}, torch.get_rng_state()
    losses = []

    def loss(given, labels):
        losses.append((given - images).square().mean())
        return losses[-1]

    images = torch.linspace(-1, 1, 16).reshape(1, 1, 4, 4)
    made = SimpleNamespace(images=images, labels=images, other_labels=None, part=lambda tiles: made)
    request = TrainSegmentation(dataset="d", model="m.safetensors", optimizer=optimizer)
    find_learning_rate(network, loss, itertools.repeat(made), request, recorder, precision="float32", steps=100)
    assert min(losses) < losses[0] / 2
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)
    assert not network.training
    assert all(part.grad is None and part.requires_grad for part in network.parameters())


@pytest.mark.parametrize(("limit", "moved"), [(0.5, 0.5), (0, 100)])
def test_gradients_are_clipped_as_in_training(limit, moved, recorder):
    places = []

    def slope(given, labels):
        places.append(given.item())
        return 1000 + 100 * given.sum()

    found = search(recorder, slope, one_weight(0.0), clip_gradients=limit)
    assert places[-1] == pytest.approx(-moved * sum(found.rates[:-1]), rel=1e-4)


def test_it_takes_no_more_batches_than_steps(recorder):
    numbers = itertools.count()
    search(recorder, constant, numbers=numbers, steps=60, accumulation=3)
    assert next(numbers) == 180
    assert recorder.fractions == pytest.approx([number / 60 for number in range(60)])


def test_it_can_be_cancelled(make_recorder):
    seen = []

    def loss(given, labels):
        seen.append(labels.item())
        return constant(given, labels)

    with pytest.raises(Cancelled):
        search(make_recorder(lambda _: len(seen) == 3), loss)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(("training", "steps"), [(10, 60), (600, 60), (840, 84), (100_000, 100)])
def test_it_takes_a_tenth_of_a_short_training(training, steps):
    assert search_steps(training) == steps
