"""MobileNetV2 as Light-Weight RefineNet sees with it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.ops import Conv2dNormActivation

_STEM_WIDTH = 32
_TAPS = (3, 6, 10, 13, 16, 17)  # the blocks whose features are given, each the last of its width
_BELONGS_TO_OTHERS = ("features.18.", "classifier.")  # what only classifiers have
_HIGHEST = 6.0  # of ReLU6


class MobileNetV2(nn.Module):
    """MobileNetV2 without its classifier, of which also the first block widens its input first.

    Its weights have the names of torchvision's and segmentation-models-pytorch's. Their state dicts can be loaded: the
    first block's additional convolution then passes on what it gets, until training changes it. Weights start as
    torchvision's do (He et al. 2015, https://arxiv.org/abs/1502.01852).

    Source: Sandler et al. 2018, https://arxiv.org/abs/1801.04381; the first block as in light-weight-refinenet.

    Args:
        bands: Number of input bands.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.features = mobilenet_v2(weights=None).features[:-1]
        stem, first = self.features[0], self.features[1]
        stem[0] = nn.Conv2d(bands, _STEM_WIDTH, 3, stride=2, padding=1, bias=False)
        widening = Conv2dNormActivation(_STEM_WIDTH, _STEM_WIDTH, kernel_size=1, activation_layer=nn.ReLU6)
        first.conv = nn.Sequential(widening, *first.conv)
        for convolution in (stem[0], widening[0]):
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
        self.register_load_state_dict_pre_hook(_take_published_weights)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of (N, bands, H, W): 24 channels at 1/4, 32 at 1/8, 64, 96 at 1/16, 160, 320 at 1/32."""
        taken, x = [], image
        for number, block in enumerate(self.features):
            x = block(x)
            if number in _TAPS:
                taken.append(x)
        return taken


def _take_published_weights(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Turn a state dict of the usual MobileNetV2 into one of this, in place."""
    block = f"{prefix}features.1.conv."
    if f"{block}3.weight" in state or f"{block}2.weight" not in state:
        return
    for name in [name for name in state if name.removeprefix(prefix).startswith(_BELONGS_TO_OTHERS)]:
        del state[name]
    usual = {name.removeprefix(block): state.pop(name) for name in list(state) if name.startswith(block)}
    for name, tensor in usual.items():
        place, rest = name.split(".", 1)
        state[f"{block}{int(place) + 1}.{rest}"] = tensor
    stem = f"{prefix}features.0.1."
    state.update(_identity(f"{block}0.", state[f"{stem}weight"], state[f"{stem}bias"]))


def _identity(name: str, scale: torch.Tensor, shift: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return a 1x1 convolution and normalisation that pass on ReLU6 of values normalised to `scale` and `shift`.

    In evaluation mode exactly; in training, where the moments of the batch count, as far as these values are normal.
    """
    channels = len(scale)
    mean, variance = _moments_after_relu6(shift, scale.abs())
    return {
        f"{name}0.weight": torch.eye(channels, dtype=scale.dtype)[:, :, None, None],
        f"{name}1.weight": torch.sqrt(variance + nn.BatchNorm2d(channels).eps),
        f"{name}1.bias": mean.clone(),
        f"{name}1.running_mean": mean,
        f"{name}1.running_var": variance,
        f"{name}1.num_batches_tracked": torch.tensor(0),
    }


def _moments_after_relu6(mean: torch.Tensor, deviation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance of normal values after they were cut off below 0 and above 6."""
    deviation = deviation.clamp(min=1e-6)
    low, high = -mean / deviation, (_HIGHEST - mean) / deviation
    density_low, density_high = (torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in (low, high))
    above = 1 - torch.special.ndtr(high)
    between = torch.special.ndtr(high) - torch.special.ndtr(low)
    first = mean * between + deviation * (density_low - density_high) + _HIGHEST * above
    second = (
        (mean**2 + deviation**2) * between
        + 2 * mean * deviation * (density_low - density_high)
        + deviation**2 * (low * density_low - high * density_high)
        + _HIGHEST**2 * above
    )
    return first, (second - first**2).clamp(min=0)
