"""Networks that work in steps of many pixels, taking images of any size."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


def accept_any_size(network: torch.nn.Module, step: int) -> torch.nn.Module:
    """Let a network take images of any size: zeros fill them up to whole steps, and their pixels are cut off again.

    Args:
        network: Takes (N, C, H, W), H and W multiples of `step`, and gives (..., H, W), or a tuple of such.
        step: In pixels.

    Returns:
        The same network, of a class of its own, with the same names of its weights.
    """
    plain: Any = type(network)

    class AnySize(plain):
        def forward(self, image: torch.Tensor) -> Any:
            height, width = image.shape[-2:]
            below, right = -height % step, -width % step
            if below == 0 and right == 0:
                return super().forward(image)
            given = super().forward(functional.pad(image, (0, right, 0, below)))
            if isinstance(given, tuple):
                return tuple(part[..., :height, :width] for part in given)
            return given[..., :height, :width]

    AnySize.__name__ = plain.__name__
    network.__class__ = AnySize
    return network
