"""Blurring probabilities without regard to pixels without data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DEVIATIONS = 4.0


def reach_of(deviation: float) -> int:
    """Return how many pixels away others still count: blocks must be so much larger on each side."""
    return int(_DEVIATIONS * deviation + 0.5)


def smooth(probabilities: NDArray[np.float32], valid: NDArray[np.bool_], deviation: float) -> NDArray[np.float32]:
    """Return probabilities (K, H, W) blurred by a Gaussian, in which only pixels that are `valid` (H, W) count.

    What lies beyond the array, and is not valid, counts as if it were not there. Where no valid pixel is near, the
    result is 0.

    Args:
        probabilities: (K, H, W); they may be anything where they are not valid.
        valid: (H, W).
        deviation: Standard deviation in pixels.
    """
    from scipy.ndimage import gaussian_filter  # late: scipy is needed for few maps

    reach = reach_of(deviation)
    weights = gaussian_filter(valid.astype(np.float32), deviation, mode="constant", radius=reach)
    blurred = np.zeros_like(probabilities)
    for source, target in zip(probabilities, blurred, strict=True):
        sums = gaussian_filter(np.where(valid, source, np.float32(0)), deviation, mode="constant", radius=reach)
        np.divide(sums, weights, out=target, where=weights > 0)
    return blurred
