"""A wide U-Net, made for thaw slumps."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .initial_values import fill_for_relu, fill_small

_WIDTHS = (64, 128, 256, 512)
_BOTTOM = 1024


class SlumpUnet(nn.Module):
    """The U-Net of slump-detection (tensorflow-caney), with normalised levels.

    Four levels of 64 to 512 channels: two convolutions and a normalisation, whose result also goes across to the way
    up, and a pooling to half the size. Two convolutions to 1024 channels at the bottom. On the way up the map at twice
    the size (nearest neighbour), normalised, with what comes across, and two convolutions. For 3 bands and 5 classes it
    has 31 390 725 numbers, the moments of its normalisations included.

    Source: https://github.com/nasa-nccs-hpda/slump-detection, after Ronneberger et al. 2015
    (https://arxiv.org/abs/1505.04597); weights start by `fill_for_relu`, the last ones by `fill_small`. Its
    penalty on the weights of the last convolution is left to the optimiser, which lets all weights decay.

    Args:
        bands: Number of input bands.
        classes: Number of outputs per pixel.
    """

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        inputs = (bands, *_WIDTHS)
        self.down = nn.ModuleList(
            nn.Sequential(*_two_convolutions(one, width), nn.BatchNorm2d(width))
            for one, width in zip(inputs, _WIDTHS, strict=False)
        )
        self.bottom = nn.Sequential(*_two_convolutions(_WIDTHS[-1], _BOTTOM))
        below = (_BOTTOM, *reversed(_WIDTHS))
        self.rise = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), nn.BatchNorm2d(width)) for width in below[:-1]
        )
        self.up = nn.ModuleList(
            nn.Sequential(*_two_convolutions(deep + width, width))
            for deep, width in zip(below, reversed(_WIDTHS), strict=False)
        )
        self.head = nn.Conv2d(_WIDTHS[0], classes, 1)
        fill_for_relu(self)
        fill_small(self.head)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn (N, bands, H, W) into logits (N, classes, H, W); H and W are multiples of 16."""
        x, across = image, []
        for down in self.down:
            x = down(x)
            across.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for rise, up in zip(self.rise, self.up, strict=True):
            x = up(torch.cat([rise(x), across.pop()], dim=1))
        logits: torch.Tensor = self.head(x)
        return logits


def _two_convolutions(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip
