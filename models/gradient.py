"""Where maps change."""

from __future__ import annotations

import torch
from torch.nn import functional

_TINY = 1e-12  # keeps the square root's own gradient finite where nothing changes


def gradient_magnitude(x: torch.Tensor) -> torch.Tensor:
    """Return how steeply each channel changes, by Sobel's operator.

    Args:
        x: (N, C, H, W) in any float precision; beyond its sides it goes on as at them.

    Returns:
        (N, C, H, W) float32 per pixel: 0.5 on both sides of a straight step from 0 to 1 along rows or columns.
    """
    padded = functional.pad(x.float(), (1, 1, 1, 1), mode="replicate")
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    columns = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    across = (rows[..., 2:] - rows[..., :-2]) / 8
    down = (columns[..., 2:, :] - columns[..., :-2, :]) / 8
    return torch.sqrt(across**2 + down**2 + _TINY)
