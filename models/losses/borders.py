"""More weight for the pixels between classes, where most mistakes are made."""

from __future__ import annotations

import torch
from torch.nn import functional


def weigh_borders(labels: torch.Tensor, known: torch.Tensor, weight: float, width: int) -> torch.Tensor:
    """Return 1 + weight for pixels with another class among their eight neighbours, falling linearly to 1.

    Args:
        labels: Class indices (N, H, W).
        known: Where they count (N, H, W) bool; elsewhere there is no class, and no border to it.
        weight: What the border counts more, 0 or above.
        width: How many pixels from the border, in rows or columns, it is nothing any more; 1 is the border alone.

    Returns:
        Weights (N, H, W) float32.
    """
    classes = labels.float()[:, None]
    highest = _highest_around(classes.masked_fill(~known[:, None], -torch.inf))
    lowest = -_highest_around((-classes).masked_fill(~known[:, None], -torch.inf))
    near = (known[:, None] & (highest != lowest)).float()
    steps = near
    for _ in range(width - 1):
        near = _highest_around(near)
        steps = steps + near
    return 1 + weight / width * steps[:, 0]


def _highest_around(values: torch.Tensor) -> torch.Tensor:
    """Return the highest of each pixel and its neighbours (N, 1, H, W)."""
    return functional.max_pool2d(values, kernel_size=3, stride=1, padding=1)
