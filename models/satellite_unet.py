"""A narrow U-Net for roofs on satellite images: all its maps have 64 channels."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .initial_values import fill_for_relu, fill_small

_WIDTH = 64
_JOINED_WIDTH = 96
_LEVELS = 4


class SatelliteUnet(nn.Module):
    """The network "satellite_unet" of keras-unet, which normalises before every convolution instead of after it.

    A level at full resolution and four below it, each of half the size: two convolutions, whose result also goes across
    to the way up, and one more. Two convolutions at the bottom. On the way up transposed convolutions, each followed by
    what comes across and two convolutions. For 3 bands and 1 output it has 1 617 441 numbers, the moments of its
    normalisations included.

    The moments for prediction are means over about ten batches. In the original (Keras momentum 0.01) they are those of
    the last batch, with which it often predicts nothing but background.

    Source: https://github.com/karolzak/keras-unet; weights start as there, by `fill_for_relu`, but the last
    ones by `fill_small`.

    Args:
        bands: Number of input bands.
        classes: Number of outputs per pixel.
    """

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(bands, _WIDTH, 3, padding=1), nn.ReLU())
        self.down = nn.ModuleList([_convolution(_WIDTH, _WIDTH), *(_two(_WIDTH, _WIDTH) for _ in range(_LEVELS))])
        self.onward = nn.ModuleList(_convolution(_WIDTH, _WIDTH) for _ in self.down)
        self.bottom = _two(_WIDTH, _WIDTH)
        self.rise = nn.ModuleList(_rising_convolution() for _ in self.down)
        self.up = nn.ModuleList(_two(2 * _WIDTH, _JOINED_WIDTH) for _ in self.down)
        self.head = nn.Conv2d(_WIDTH, classes, 1)
        fill_for_relu(self)
        fill_small(self.head)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn (N, bands, H, W) into logits (N, classes, H, W); H and W are multiples of 32."""
        x = self.stem(image)
        across = []
        for down, onward in zip(self.down, self.onward, strict=True):
            x = down(x)
            across.append(x)
            x = functional.max_pool2d(onward(x), 2)
        x = self.bottom(x)
        for rise, up in zip(self.rise, self.up, strict=True):
            x = up(torch.cat([rise(x), across.pop()], dim=1))
        logits: torch.Tensor = self.head(x)
        return logits


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU())


def _two(inputs: int, between: int) -> nn.Sequential:
    return nn.Sequential(_convolution(inputs, between), _convolution(between, _WIDTH))


def _rising_convolution() -> nn.Sequential:
    """Return a convolution to twice the height and width."""
    larger = nn.ConvTranspose2d(_WIDTH, _WIDTH, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(nn.BatchNorm2d(_WIDTH), larger, nn.ReLU())
