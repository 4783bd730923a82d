"""What the weights of networks of our own start from."""

from __future__ import annotations

from torch import nn


def fill_for_relu(network: nn.Module) -> None:
    """Fill all convolutions so that ReLUs neither swell nor fade what goes through them; biases start at 0.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852.

    Args:
        network: Its nn.Conv2d and nn.ConvTranspose2d are filled in place, from torch's random numbers.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
