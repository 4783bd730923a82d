"""Initial weights: what goes through many layers neither swells nor fades, and no class is preferred at first."""

import pytest
import torch
from geoseg.models.catalog import build_network
from geoseg.models.initial_values import fill_for_relu, fill_small
from torch import nn


def test_signals_keep_their_size_through_many_layers():
    torch.manual_seed(0)
    blocks = [(nn.Conv2d(64, 64, 3, padding=1, padding_mode="circular"), nn.ReLU()) for _ in range(10)]
    network = nn.Sequential(*(part for block in blocks for part in block))
    image = torch.randn(2, 64, 32, 32)
    with torch.inference_mode():
        faded = network(image).square().mean()
        fill_for_relu(network)
        kept = network(image).square().mean()
    assert faded < 1e-3
    assert 0.2 < kept < 5


def test_biases_start_at_0_and_other_layers_stay():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 2, bias=False), nn.BatchNorm2d(4))
    nn.init.constant_(network[2].bias, 5)
    fill_for_relu(network)
    assert not network[0].bias.any()
    assert network[1].weight.std().item() == pytest.approx((2 / 16) ** 0.5, rel=0.5)
    assert (network[2].bias == 5).all()


def test_logits_start_near_0():
    torch.manual_seed(0)
    last = nn.Conv2d(32, 3, 1)
    fill_small(last)
    assert last.weight.std().item() == pytest.approx(0.01, rel=0.3)
    assert not last.bias.any()


@pytest.mark.parametrize("name", ["cloudxnet", "satellite-unet", "slump-unet"])
def test_at_first_all_classes_are_about_as_probable(name):
    torch.manual_seed(0)
    network = build_network(name, "none", 3, 4)
    with torch.inference_mode():
        probabilities = network(torch.randn(2, 3, 64, 64)).softmax(1)
    assert (probabilities - 0.25).abs().mean() < 0.1
