"""Slump U-Net: its layers, what comes across, and how maps grow."""

import pytest
import torch
from geoseg.models.slump_unet import SlumpUnet
from torch import nn


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SlumpUnet(2, 3).eval()


def test_it_has_the_layers_of_the_description(network):
    shapes = []
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(lambda _, __, given: shapes.append(tuple(given.shape[1:])))
    with torch.inference_mode():
        network(torch.randn(1, 2, 32, 48))
    levels = [(64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6)]
    down = [level for level in levels for _ in range(2)]
    assert shapes == [*down, (1024, 2, 3), (1024, 2, 3), *reversed(down), (3, 32, 48)]


def test_what_comes_across_is_normalised_and_maps_grow_by_copying(network):
    joined = {}
    network.up[0].register_forward_pre_hook(lambda _, given: joined.update(all=given[0]))
    network.bottom.register_forward_hook(lambda _, __, given: joined.update(bottom=given))
    nn.init.constant_(network.down[3][-1].weight, 0)
    nn.init.constant_(network.down[3][-1].bias, -7)
    with torch.inference_mode():
        network(torch.randn(1, 2, 32, 48))
    risen, across = joined["all"].split([1024, 512], dim=1)
    assert (across == -7).all()
    copied = joined["bottom"].repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.allclose(risen, copied, rtol=1e-4)
