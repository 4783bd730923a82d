"""The moving average of weights, against its formula."""

import io

import pytest
import torch
from geoseg.geoseg_plugin.engine.training.optimization.averaging import Average
from geoseg.models.any_size import accept_any_size
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")


def small():
    return accept_any_size(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), 4)


def fill(network, value):
    """Let all weights and statistics be a value, and the count of batches ten times that."""
    for tensor in network.state_dict().values():
        tensor.fill_(value if tensor.is_floating_point() else 10 * value)


@pytest.mark.parametrize("decay", [0.3, 0.9, 0.999])
def test_it_follows_its_formula(decay):
    network = small()
    average = Average(network, decay)
    mean = None
    for step in range(12):
        value = 1.0 + (step * 7) % 5
        fill(network, value)
        average.update()
        kept = min(decay, (1 + step) / (10 + step))
        mean = value if mean is None else kept * mean + (1 - kept) * value
        for tensor in average.network.state_dict().values():
            wanted = mean if tensor.is_floating_point() else 10 * value
            assert tensor.flatten().tolist() == pytest.approx([wanted] * tensor.numel(), rel=1e-5)
    assert all(tensor.eq(value).all() for tensor in network.parameters())


@pytest.mark.parametrize("steps", [1, 5, 200])
def test_the_start_is_forgotten(steps):
    network = small()
    fill(network, 1000.0)
    average = Average(network, 0.99)
    for _ in range(steps):
        fill(network, 1.0)
        average.update()
    assert average.network[0].weight.flatten().tolist() == pytest.approx([1.0, 1.0])


def test_a_short_training_is_near_its_end():
    network = small()
    average = Average(network, 0.99)
    for step in range(5):
        fill(network, float(step))
        average.update()
    assert average.network[0].weight.min() > 3  # of 4, and not near 0


def test_the_averaged_network_is_like_the_other():
    network = small()
    average = Average(network, 0.9)
    assert list(average.network.state_dict()) == list(network.state_dict())
    assert not any(part.requires_grad for part in average.network.parameters())
    assert all(part.requires_grad for part in network.parameters())
    average.update()
    image = torch.ones(1, 1, 3, 5)
    with torch.inference_mode():
        assert torch.equal(average.network.eval()(image), network.eval()(image))


def test_it_goes_on_from_its_state():
    network, saved = small(), io.BytesIO()
    whole = Average(network, 0.5)
    for step in range(20):
        fill(network, float(step * step % 11))
        whole.update()
        if step == 9:
            torch.save(whole.state(), saved)
            saved.seek(0)
            follower = Average(small(), 0.5)
            follower.restore(torch.load(saved, weights_only=True))
            follower._trained = network
        elif step > 9:
            follower.update()
    pairs = zip(whole.network.state_dict().values(), follower.network.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    assert whole.state()["steps"] == follower.state()["steps"] == 20
