"""Satellite U-Net: its layers, and that it predicts as it was trained."""

import pytest
import torch
from geoseg.models.satellite_unet import SatelliteUnet
from torch import nn


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SatelliteUnet(4, 3)


def _shapes(network, kinds, image):
    """Return the shapes (C, H, W) of what all parts of some kinds give, in the order in which they work."""
    shapes = []
    hooks = [
        part.register_forward_hook(lambda _, __, given: shapes.append(tuple(given.shape[1:])))
        for part in network.modules()
        if isinstance(part, kinds)
    ]
    with torch.inference_mode():
        network.eval()(image)
    for hook in hooks:
        hook.remove()
    return shapes


def test_it_has_the_layers_of_the_description(network):
    down = [(64, 64, 96)] * 3 + [(64, side, side * 3 // 2) for side in (32, 16, 8, 4) for _ in range(3)]
    bottom = [(64, 2, 3)] * 2
    up = [
        (width, side, side * 3 // 2)
        for side in (4, 8, 16, 32, 64)
        for width in (64, 96, 64)  # the transposed convolution, and two after it
    ]
    found = _shapes(network, (nn.Conv2d, nn.ConvTranspose2d), torch.randn(1, 4, 64, 96))
    assert found == [*down, *bottom, *up, (3, 64, 96)]


def test_every_convolution_but_the_first_and_last_is_normalised_before(network):
    order = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)]
    first, *between, last = order
    assert isinstance(first, nn.Conv2d) and isinstance(last, nn.Conv2d)
    assert all(isinstance(part, nn.BatchNorm2d) for part in between[::2])
    assert not any(isinstance(part, nn.BatchNorm2d) for part in between[1::2])


def test_one_black_batch_does_not_decide_how_it_predicts(network):
    """In the original the moments for prediction are those of the last batch."""
    spread = network.down[0][0].running_var
    with torch.inference_mode():
        for _ in range(40):
            network(torch.randn(2, 4, 32, 32))
        usual = spread.clone()
        network(torch.zeros(2, 4, 32, 32))
    assert (spread > 0.8 * usual).all()
