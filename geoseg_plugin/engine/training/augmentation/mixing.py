"""Tiles of a batch, mixed with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from .variation import Variation

_BLENDING = 0.4


@dataclass(frozen=True)
class Mixture:
    """A batch after mixing; its loss is share * loss(labels) + (1 - share) * loss(other_labels).

    Attributes:
        images: (N, C, H, W) float32.
        labels: (N, H, W) int64 class indices.
        other_labels: Those of the tiles that are blended in, likewise; None where none are.
        share: The weight of `labels`, 1 where there are no others.
        mixed: Whether tiles were mixed at all.
    """

    images: torch.Tensor
    labels: torch.Tensor
    other_labels: torch.Tensor | None = None
    share: float = 1.0
    mixed: bool = False


def mix(images: torch.Tensor, labels: torch.Tensor, variation: Variation, rng: np.random.Generator) -> Mixture:
    """Mix each tile of a batch with another one of it, or leave all as they are, as chance has it.

    Mixup blends them (Zhang et al. 2018, https://arxiv.org/abs/1710.09412, with a share from their Beta distribution
    with alpha 0.4). Cutmix takes a rectangle from the other, of any share of the area alike (Yun et al. 2019,
    https://arxiv.org/abs/1905.04899); it always lies inside, and brings its labels along pixel by pixel.

    Args:
        images: (N, C, H, W) float32 network input; it stays as it is.
        labels: (N, H, W) int64 class indices; they stay as they are.
        variation: How often to do which.
        rng: Where chance comes from; there are as many draws whatever the variation is.
    """
    kind, other, area, down, across = rng.random(5).tolist()
    share = float(rng.beta(_BLENDING, _BLENDING))
    count = len(images)
    if count < 2 or kind >= variation.mixup + variation.cutmix:
        return Mixture(images, labels)
    shift = 1 + int(other * (count - 1))
    # In numpy: torch would give this thread a team beside that of the network, which is slowed down by a tenth.
    if kind < variation.mixup:
        others = np.roll(images.numpy(), shift, 0)
        blended = others + np.float32(share) * (images.numpy() - others)
        return Mixture(
            torch.from_numpy(blended), labels, torch.from_numpy(np.roll(labels.numpy(), shift, 0)), share, mixed=True
        )
    (top, height), (left, width) = (
        _stretch(length, math.sqrt(area), position)
        for length, position in zip(labels.shape[1:], (down, across), strict=True)
    )
    pixels, classes = images.numpy().copy(), labels.numpy().copy()
    for whole in (pixels, classes):
        part = whole[..., top : top + height, left : left + width]
        part[:] = np.roll(part, shift, 0)
    return Mixture(torch.from_numpy(pixels), torch.from_numpy(classes), mixed=True)


def _stretch(length: int, share: float, position: float) -> tuple[int, int]:
    """Return the first pixel and the number of pixels of a share of a length, at a position from 0 up to 1."""
    size = round(share * length)
    return int(position * (length - size + 1)), size
