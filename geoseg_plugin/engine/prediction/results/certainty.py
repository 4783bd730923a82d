"""How certain probabilities are: three measures of it, each 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float32]


def measure_confidence(probabilities: _Array) -> _Array:
    """Return the largest probability (H, W) of (K, H, W); NaN stays."""
    return np.asarray(probabilities.max(axis=0))


def measure_margin(probabilities: _Array) -> _Array:
    """Return the largest probability less the second largest (H, W) of (K, H, W); NaN stays."""
    best, second = probabilities[0].copy(), np.zeros_like(probabilities[0])
    for values in probabilities[1:]:
        np.maximum(second, np.minimum(best, values), out=second)
        np.maximum(best, values, out=best)
    return np.asarray(best - second)


def measure_entropy(probabilities: _Array) -> _Array:
    """Return the entropy (H, W) of (K, H, W) as a share of the largest there can be, log K; NaN stays.

    It is 0 where one class is certain, and 1 where all are as probable.
    """
    total = np.zeros_like(probabilities[0])
    tiny = np.finfo(np.float32).tiny
    for values in probabilities:
        total -= values * np.log(np.maximum(values, tiny))
    total /= np.float32(np.log(len(probabilities)))
    return np.asarray(total.clip(0, 1))
