"""The search for a learning rate, on losses whose best rates are known."""

import copy
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.batches import Batch
from geoseg.geoseg_plugin.engine.training.learner import Learner
from geoseg.geoseg_plugin.engine.training.optimization.optimizers import build_optimizer
from geoseg.geoseg_plugin.engine.training.optimization.rate_search import _choose, find_learning_rate, search_steps
from geoseg.models.catalog import training_loss
from geoseg.models.losses.loss import LossSettings, SummedLoss
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

RATES = np.geomspace(1e-6, 10, 100)
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
    rate = search(recorder, bowl(curvature), precision=precision)
    assert 0.02 <= rate * curvature <= 0.6
    assert not recorder.warnings
    assert f"Learning rate {rate:.2g}" in recorder.notes[0]


def test_the_rate_that_was_found_is_that_of_the_optimizer(recorder):
    rate, network = search(recorder, bowl(10)), nn.Linear(1, 1)
    assert rate != pytest.approx(0.0123)
    request = TrainSegmentation(dataset="d", model="m.safetensors", learning_rate=0.0123)
    assert build_optimizer(network, request, rate).param_groups[0]["lr"] == rate


def test_the_search_ends_when_the_loss_explodes(recorder):
    numbers = itertools.count()
    search(recorder, bowl(10), numbers=numbers)
    assert 50 < next(numbers) < RATES.searchsorted(5)


def test_the_middle_of_the_fall_is_taken():
    rates = np.geomspace(1e-6, 10, 141)
    fall = np.interp(np.log10(rates), [-4, -2], [1.0, 0.0])
    assert _choose(rates, 0.5 + fall, 20) == pytest.approx(0.001, rel=0.2)
    # As losses go on that cannot rise, such as dice: about alike, and lowest anywhere.
    for lowest in (1e-2, 1e-1, 10):
        flat = 0.5 + fall - 0.05 * np.exp(-((np.log10(rates / lowest) / 0.3) ** 2))
        assert _choose(rates, flat, 20) == pytest.approx(0.001, rel=0.5)


def test_noise_does_not_lead_astray(recorder):
    def noisy(given, labels):
        return bowl(10)(given, labels) + 10 * np.random.default_rng(labels.item()).random()

    assert 0.02 <= search(recorder, noisy) * 10 <= 0.6


def few_tiles():
    """Return four batches of two noisy tiles, of very different light, whose second class is a little brighter."""
    random, batches = np.random.default_rng(6), []
    for _ in range(4):
        labels = (random.random((2, 16, 16)) < random.uniform(0.02, 0.6, (2, 1, 1))).astype(np.int64)
        light = random.normal(0, 1.5, (2, 3, 1, 1))
        images = light + 0.7 * labels[:, None] + random.normal(0, 0.5, (2, 3, 16, 16))
        batches.append(Batch(torch.from_numpy(images).float(), torch.from_numpy(labels), (0, 1)))
    return batches


@pytest.mark.parametrize("formula", ["cross entropy + dice", "f2"])
def test_few_noisy_tiles_will_do(formula, recorder):
    def part(bands):
        return nn.Conv2d(bands, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()

    torch.manual_seed(2)
    network, batches = nn.Sequential(*part(3), *part(8), *part(8), nn.Conv2d(8, 2, 1)), few_tiles()
    loss = training_loss(network, SummedLoss(LossSettings(parse_losses(formula))))
    request = TrainSegmentation(dataset="d", model="m.safetensors")
    rate = find_learning_rate(network, loss, itertools.cycle(batches), request, recorder, precision="float32", steps=60)

    def train(rate):
        copied = copy.deepcopy(network)
        learner = Learner(copied, loss, build_optimizer(copied, request, rate), "float32", longest_gradient=1.0)
        return np.mean([learner.step([one], rate).loss.item() for one in batches * 8][-4:])

    best = min((1e-4, 1e-3, 1e-2, 1e-1), key=train)
    assert best / 10 <= rate <= best * 10
    assert not recorder.warnings


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
    assert search(recorder, loss) == 0.0123
    (warning,) = recorder.warnings
    assert "LEARNING_RATE 0.0123 is kept" in warning


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_batches_find_nothing(count, recorder):
    assert search(recorder, bowl(10), numbers=range(count)) == 0.0123
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

    search(recorder, slope, one_weight(0.0), clip_gradients=limit)
    learnt = places[::2]  # between them are those of the network as it was at first
    assert learnt[-1] == pytest.approx(-moved * RATES[: len(learnt) - 1].sum(), rel=1e-4)
    assert set(places[1::2]) == {0.0}


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
        search(make_recorder(lambda _: len(seen) == 4), loss)
    assert seen == [0, 0, 1, 1]


@pytest.mark.parametrize(("training", "steps"), [(10, 60), (600, 60), (840, 84), (100_000, 100)])
def test_it_takes_a_tenth_of_a_short_training(training, steps):
    assert search_steps(training) == steps
