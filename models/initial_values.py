"""What the weights of networks of our own start from."""

from __future__ import annotations

from torch import nn

_SMALL = 0.01  # standard deviation


def fill_for_relu(network: nn.Module) -> None:
    """Fill all convolutions from He's normal distribution (he_normal of Keras, without its cut); biases start at 0.

    What goes through a chain of convolutions and ReLUs so neither swells nor fades. Sums of maps, as at shortcuts, do
    swell, and behind transposed convolutions maps fade the more, the more of their kernel overlaps.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852.

    Args:
        network: Its nn.Conv2d and nn.ConvTranspose2d are filled in place, from torch's random numbers.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def fill_small(convolution: nn.Conv2d) -> None:
    """Fill a convolution with small normal numbers, of deviation 0.01; its bias starts at 0.

    So all classes are about as probable at first where it is the last one of a network, whatever comes in: filled for
    ReLUs, CloudX-Net would start with logits of 4 to 7, as its maps are sums.

    Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002, section 4.1.

    Args:
        convolution: Filled in place, from torch's random numbers.
    """
    nn.init.normal_(convolution.weight, std=_SMALL)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
