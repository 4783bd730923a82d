"""Light-Weight RefineNet, a small decoder over any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import nn
from torch.nn import functional

from .initial_values import fill_small
from .library import build_encoder
from .mobilenet_v2 import MobileNetV2

_MOBILENET = "mobilenet_v2"
_WIDTH = 256
_DEEPEST_WIDTH = 512  # over other encoders than MobileNetV2
_DROPPED = 0.5
_STAGES, _POOL = 4, 5


class LightWeightRefineNet(nn.Module):
    """Light-Weight RefineNet: features of four scales, from deep to fine, each pooled in chains and joined to the next.

    Over MobileNetV2 it joins the features of all its widths, and has 3 240 770 parameters for 3 bands and 2 classes.
    Over other encoders it is the network that was published over ResNet. Logits are made at 1/4 of the image's size and
    brought to it by bicubic interpolation.

    Source: Nekrasov et al. 2018, https://arxiv.org/abs/1810.03272. Convolutions of the decoder start by
    `fill_small`, as in light-weight-refinenet.

    Args:
        bands: Number of input bands.
        classes: Number of outputs per pixel.
        encoder: "mobilenet_v2", or any other encoder of segmentation-models-pytorch that gives features at 1/4 to 1/32.
    """

    def __init__(self, bands: int, classes: int, encoder: str = _MOBILENET) -> None:
        super().__init__()
        if encoder == _MOBILENET:
            self.encoder: nn.Module = MobileNetV2(bands)
            self.fusions = _over_mobilenet()
        else:
            self.encoder = build_encoder(encoder, bands)
            self.fusions = _over_any(self.encoder.out_channels[-4:])
        self.head = nn.Conv2d(_WIDTH, classes, 3, padding=1)
        for part in (*self.fusions.modules(), self.head):
            if isinstance(part, nn.Conv2d):
                fill_small(part)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn (N, bands, H, W) into logits (N, classes, H, W) float32; H and W are multiples of 32."""
        features = list(self.encoder(image))
        x = None
        for fusion in self.fusions:
            x = fusion([features.pop() for _ in fusion.reductions], x)
        return functional.interpolate(self.head(x).float(), size=image.shape[-2:], mode="bicubic")


def _over_mobilenet() -> nn.ModuleList:
    """Return the fusions of 1/32, 1/16, 1/8 and 1/4."""
    channels = ((320, 160), (96, 64), (32,), (24,))
    return nn.ModuleList(
        _Fusion(each, _WIDTH, nn.ReLU6(), output=None if each is channels[-1] else _WIDTH) for each in channels
    )


def _over_any(channels: Sequence[int]) -> nn.ModuleList:
    """Return the fusions of 1/32, 1/16, 1/8 and 1/4, over features of so many channels from fine to deep."""
    finest, fine, deep, deepest = channels
    return nn.ModuleList(
        [
            _Fusion((deepest,), _DEEPEST_WIDTH, nn.ReLU(), output=_WIDTH, dropped=_DROPPED),
            _Fusion((deep,), _WIDTH, nn.ReLU(), output=_WIDTH, dropped=_DROPPED, adapting=True),
            _Fusion((fine,), _WIDTH, nn.ReLU(), output=_WIDTH, adapting=True),
            _Fusion((finest,), _WIDTH, nn.ReLU(), output=None, adapting=True),
        ]
    )


class _Fusion(nn.Module):
    """Joins the features of one scale to what comes from the deeper one.

    Args:
        channels: Of the features of this scale.
        width: Channels to which all of them are brought.
        activation: Comes before the chained pooling.
        output: Channels of what it gives; None leaves them and adds no convolution.
        dropped: Share of the features' values that training drops.
        adapting: Whether another convolution follows the one that brings features to the width.
    """

    def __init__(
        self, channels: Sequence[int], width: int, activation: nn.Module, *, output: int | None,
        dropped: float = 0.0, adapting: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = nn.Dropout(dropped)
        self.reductions = nn.ModuleList(_pointwise(one, width) for one in channels)
        self.adapter = _pointwise(width, width) if adapting else nn.Identity()
        self.activation = activation
        self.pooling = ChainedResidualPooling(width)
        self.output = nn.Identity() if output is None else _pointwise(width, output)

    def forward(self, features: Sequence[torch.Tensor], deeper: torch.Tensor | None) -> torch.Tensor:
        reduced = [narrow(self.dropout(one)) for narrow, one in zip(self.reductions, features, strict=True)]
        x = self.adapter(reduce(torch.add, reduced))
        if deeper is not None:
            x = x + functional.interpolate(deeper, size=x.shape[-2:], mode="bilinear", align_corners=True)
        joined: torch.Tensor = self.output(self.pooling(self.activation(x)))
        return joined


class ChainedResidualPooling(nn.Module):
    """Adds to a map what it looks like from ever further away: four times pooled to maxima of 5x5 and convolved.

    Args:
        width: Channels of the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(_pointwise(width, width) for _ in range(_STAGES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (N, width, H, W) into the same shape."""
        top = x
        for stage in self.stages:
            top = stage(functional.max_pool2d(top, _POOL, stride=1, padding=_POOL // 2))
            x = x + top
        return x


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)
