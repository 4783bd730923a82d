"""Bilinear resizing, on the grid of windows that cover the same ground."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def resize(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return an image (C, N, N) with sides of `side` pixels.

    Where it becomes smaller every pixel is a weighted mean of all that it covers, so that nothing is left out.
    """
    weights = _weights(image.shape[-1], side)
    return np.asarray(weights @ image @ weights.T, np.float32)


@lru_cache(maxsize=16)
def _weights(old: int, new: int) -> NDArray[np.float32]:
    """Return what each old pixel counts for each new one, (new, old) float32; the rows sum to 1."""
    step = old / new
    middles = (np.arange(new) + 0.5) * step - 0.5
    distances = np.abs(np.arange(old) - middles[:, None])
    weights = np.maximum(0, 1 - distances / max(step, 1.0))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
