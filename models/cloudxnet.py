"""CloudX-Net, a network for clouds on satellite images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from .initial_values import fill_for_relu, fill_small

_WIDTHS = (32, 64, 128, 256)  # of the plain levels, from the finest
_DEEP, _BOTTOM = 512, 1024  # of the improved level below them, and of the bottom
_CONTEXT = 256
_DILATIONS = (6, 12, 18)
_DROPPED = 0.15
_EPSILON = 1e-3  # of Keras


class CloudXNet(nn.Module):
    """CloudX-Net: a U-Net of separable convolutions with shortcuts, a pyramid of contexts, and feed-forward blocks.

    Five levels of 32 to 512 channels, each of half the size of the one above; at the bottom 1024 channels, seen through
    dilated convolutions and as a whole (the pyramid). On the way up each level joins the map from below with a sum over
    all levels not deeper than itself. For 3 bands and 1 output it has 19 513 905 numbers, the moments of its
    normalisations included.

    The moments for prediction follow the training as quickly as torch has it (momentum 0.1): those of Keras (0.01)
    need hundreds of steps, which short trainings do not have. In the feed-forward blocks maps are pooled before they
    are repeated, which gives the same in far less memory.

    Source: https://github.com/shyamfec/CloudXNet, as automated-cloud-detection uses it; weights start by
    `fill_for_relu`, the last ones by `fill_small`.

    Args:
        bands: Number of input bands.
        classes: Number of outputs per pixel.
    """

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(bands, _WIDTHS[0] // 2, 3, padding=1), nn.ReLU())
        self.down = nn.ModuleList([*(_Contraction(width) for width in _WIDTHS), _ImprovedContraction(_DEEP)])
        self.bottom = _Bridge(_BOTTOM)
        self.pyramid = _Pyramid(_BOTTOM)
        levels = (_DEEP, *reversed(_WIDTHS))
        below = ((len(_DILATIONS) + 2) * _CONTEXT, *levels)
        self.up = nn.ModuleList(
            _Expansion(inputs, width, 3 if width == _DEEP else 2) for inputs, width in zip(below, levels, strict=False)
        )
        self.head = nn.Conv2d(_WIDTHS[0], classes, 1)
        fill_for_relu(self)
        fill_small(self.head)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn (N, bands, H, W) into logits (N, classes, H, W); H and W are multiples of 32."""
        x, maps = self.stem(image), []
        for down in self.down:
            x = down(x)
            maps.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.pyramid(self.bottom(x))
        for up in self.up:
            x = up(x, maps)
            maps.pop()
        logits: torch.Tensor = self.head(x)
        return logits


class _Contraction(nn.Module):
    """A level on the way down: half of the given width in, the width out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(_separable(width // 2, width), _separable(width, width))
        self.shortcut = _separable(width // 2, width // 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.main(x) + torch.cat([x, self.shortcut(x)], dim=1))


class _ImprovedContraction(_Contraction):
    """The last level on the way down, with one more separable convolution and a shortcut around it."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.more = _separable(width, width)
        self.around = _separable(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        main = self.main(x)
        return functional.relu(self.more(main) + torch.cat([x, self.shortcut(x)], dim=1) + self.around(main))


class _Bridge(nn.Module):
    """The bottom: half of the given width in, the width out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            _separable(width // 2, width),
            *_depthwise_and_pointwise(width, width),
            nn.Dropout(_DROPPED),
            *_normalise(width),
        )
        self.shortcut = _separable(width // 2, width // 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.main(x) + torch.cat([x, self.shortcut(x)], dim=1))


class _Pyramid(nn.Module):
    """Contexts of several sizes beside one another: the whole map, the pixel itself, and three dilations."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.whole = _separable(inputs, _CONTEXT, 1, bias=False)
        self.pixel = _separable(inputs, _CONTEXT, 1, bias=False)
        self.wider = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False),
                *_normalise(inputs),
                _separable(inputs, _CONTEXT, 1, bias=False),
            )
            for dilation in _DILATIONS
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixel = self.pixel(x)
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand_as(pixel)
        return torch.cat([whole, pixel, *(one(x) for one in self.wider)], dim=1)


class _Expansion(nn.Module):
    """A level on the way up."""

    def __init__(self, inputs: int, width: int, convolutions: int) -> None:
        super().__init__()
        self.rise = nn.ConvTranspose2d(inputs, width, 2, stride=2)
        self.main = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(2 * width if first else width, width, 3, padding=1), *_normalise(width))
                for first in [True, *[False] * (convolutions - 1)]
            )
        )

    def forward(self, x: torch.Tensor, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join the map from below with those of the way down, from the finest to the one of this level."""
        risen = self.rise(x)
        joined = torch.cat([risen, feed_forward(maps)], dim=1)
        return functional.relu(self.main(joined) + maps[-1] + risen)


def feed_forward(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the sum of maps at the size of the last one, cut off below 0.

    Args:
        maps: Each (N, C, H, W) has half of the height and width of the one before, and twice its channels. The finer
            ones are pooled to their maxima and repeated in the channels.

    Returns:
        (N, C, H, W) like the last one.
    """
    total = maps[-1]
    for distance, finer in enumerate(reversed(maps[:-1]), start=1):
        times = 2**distance
        total = total + functional.max_pool2d(finer, times).repeat(1, times, 1, 1)
    return functional.relu(total)


def _separable(inputs: int, outputs: int, size: int = 3, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(*_depthwise_and_pointwise(inputs, outputs, size, bias=bias), *_normalise(outputs))


def _depthwise_and_pointwise(inputs: int, outputs: int, size: int = 3, *, bias: bool = True) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, inputs, size, padding=size // 2, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=bias),
    ]


def _normalise(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, eps=_EPSILON), nn.ReLU()]
