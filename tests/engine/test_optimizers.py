"""Optimizers: each step against its formula, frozen weights, and going on from what was saved."""

import io

import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.steps import OPTIMIZERS
from geoseg.geoseg_plugin.engine.training.optimization.optimizers import build_optimizer, set_learning_rate
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

RATE, DECAY, MOMENTUM = 0.1, 0.02, 0.8
WEIGHT, GRADIENT = 2.0, 0.5
PULLED = GRADIENT + DECAY * WEIGHT  # the gradient with the pull of the weight decay


def ask(**options):
    return TrainSegmentation(dataset="d", model="m.safetensors", learning_rate=7.0, **options)


def one_weight():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(WEIGHT)
    network.weight.grad = torch.full((1, 1), GRADIENT)
    return network


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("adamw", WEIGHT * (1 - RATE * DECAY) - RATE),
        ("adam", WEIGHT - RATE),
        ("sgd", WEIGHT - RATE * PULLED * (1 + MOMENTUM)),
        ("adadelta", WEIGHT - RATE * PULLED * (1e-6 / (0.1 * PULLED**2 + 1e-6)) ** 0.5),
    ],
)
def test_the_first_step_is_that_of_the_paper(name, wanted):
    network = one_weight()
    build_optimizer(network, ask(optimizer=name, weight_decay=DECAY, momentum=MOMENTUM), RATE).step()
    assert network.weight.item() == pytest.approx(wanted, rel=1e-6)


def test_the_second_step_of_sgd_looks_ahead():
    network = one_weight()
    optimizer = build_optimizer(network, ask(optimizer="sgd", weight_decay=0, momentum=MOMENTUM), RATE)
    optimizer.step()
    optimizer.step()
    speeds = GRADIENT, GRADIENT * (1 + MOMENTUM)
    wanted = WEIGHT - RATE * sum(GRADIENT + MOMENTUM * speed for speed in speeds)
    assert network.weight.item() == pytest.approx(wanted, rel=1e-6)


def test_sgd_needs_no_momentum():
    network = one_weight()
    build_optimizer(network, ask(optimizer="sgd", weight_decay=0, momentum=0), RATE).step()
    assert network.weight.item() == pytest.approx(WEIGHT - RATE * GRADIENT)


def test_without_being_asked_it_is_adamw_as_torch_has_it():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    (mine,), (usual,) = (
        optimizer.param_groups
        for optimizer in (
            build_optimizer(network, ask(), 0.001),
            torch.optim.AdamW(network.parameters(), 0.001, weight_decay=0.01, fused=True),
        )
    )
    assert list(map(id, mine.pop("params"))) == list(map(id, usual.pop("params")))
    assert mine == usual


def train(network, optimizer, numbers):
    for number in numbers:
        network[0].requires_grad_(number >= 2)
        set_learning_rate(optimizer, 0.1 / (1 + number))
        images = torch.linspace(-1, 1, 12).reshape(4, 3) * (1 + number)
        network(images).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("ended", [1, 2, 3])  # while the first layer is frozen, when it thaws, and after that
def test_a_training_that_ended_goes_on_as_if_it_had_not(name, ended):
    torch.manual_seed(1)
    whole = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    parts = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    parts.load_state_dict(whole.state_dict())
    request = ask(optimizer=name)
    train(whole, build_optimizer(whole, request, 0.1), range(5))
    optimizer, saved = build_optimizer(parts, request, 0.1), io.BytesIO()
    train(parts, optimizer, range(ended))
    torch.save(optimizer.state_dict(), saved)
    saved.seek(0)
    optimizer = build_optimizer(parts, request, 3.0)
    optimizer.load_state_dict(torch.load(saved, weights_only=True))
    train(parts, optimizer, range(ended, 5))
    assert all(torch.equal(whole.state_dict()[name], tensor) for name, tensor in parts.state_dict().items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_frozen_is_not_even_pulled_at(name):
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    before = [part.detach().clone() for part in network.parameters()]
    optimizer = build_optimizer(network, ask(optimizer=name, weight_decay=1.0), 0.1)
    train(network, optimizer, [0, 1])
    same = [torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True)]
    assert same == [True, True, False, False]
    train(network, optimizer, [2])
    assert not any(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))
