"""The borders between classes, where most mistakes are made, and more weight for their pixels."""

from __future__ import annotations

import torch
from torch.nn import functional


def find_borders(labels: torch.Tensor, known: torch.Tensor, reach: int) -> torch.Tensor:
    """Return which pixels have one of another class no more than `reach` steps to any of the four sides from them.

    Args:
        labels: Class indices (N, H, W).
        known: Where they count (N, H, W) bool; elsewhere there is no class, and no border to it.
        reach: Number of steps, 1 or more; 2 make up the disc of that radius.

    Returns:
        (N, 1, H, W) bool.
    """
    # Numbers of classes are small and whole in float32, which pooling needs.
    classes, unknown = labels[:, None].float(), ~known[:, None]
    highest, lowest = classes.masked_fill(unknown, -torch.inf), (-classes).masked_fill(unknown, -torch.inf)
    for _ in range(reach):
        highest, lowest = _spread(highest), _spread(lowest)
    return known[:, None] & (highest != -lowest)


def weigh_borders(labels: torch.Tensor, known: torch.Tensor, weight: float, width: int) -> torch.Tensor:
    """Return 1 + weight for pixels beside one of another class, falling linearly to 1.

    Args:
        labels: Class indices (N, H, W).
        known: Where they count (N, H, W) bool; elsewhere there is no class, and no border to it.
        weight: What the border counts more, 0 or above.
        width: How many steps from the border nothing is left of that; 1 is the border alone.

    Returns:
        Weights (N, H, W) float32.
    """
    distance = _steps_to(find_borders(labels, known, 1)[:, 0])
    return 1 + weight * (1 - distance / width).clamp(min=0)


def _steps_to(places: torch.Tensor) -> torch.Tensor:
    """Return how many steps to any of the four sides lead from each pixel to the nearest of `places` (N, H, W).

    Source:
        Rosenfeld and Pfaltz: Sequential operations in digital picture processing (1966), whose two passes are running
        minima along each axis here, https://doi.org/10.1145/321356.321357.
    """
    height, width = places.shape[1:]
    steps = torch.where(places, 0.0, torch.inf)
    for axis, length in ((1, height), (2, width)):
        place = torch.arange(length, dtype=steps.dtype, device=steps.device).unsqueeze(2 - axis)
        before = (steps - place).cummin(axis).values + place
        behind = (steps + place).flip(axis).cummin(axis).values.flip(axis) - place
        steps = torch.minimum(before, behind)
    return steps


def _spread(values: torch.Tensor) -> torch.Tensor:
    """Return the highest of each pixel and its four neighbours (N, 1, H, W)."""
    across = functional.max_pool2d(values, (1, 3), stride=1, padding=(0, 1))
    return torch.maximum(across, functional.max_pool2d(values, (3, 1), stride=1, padding=(1, 0)))
