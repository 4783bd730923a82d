"""Blurring probabilities without regard to pixels without data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....contract.events import Report, stop_if_cancelled

_DEVIATIONS = 4.0
_PIXELS_AT_ONCE = 2**18  # of the widest blur a good quarter of a second's work


def reach_of(deviation: float) -> int:
    """Return how many pixels away others still count: blocks must be so much larger on each side."""
    return int(_DEVIATIONS * deviation + 0.5)


def smooth(
    probabilities: NDArray[np.float32], valid: NDArray[np.bool_], deviation: float, report: Report
) -> NDArray[np.float32]:
    """Return probabilities (K, H, W) blurred by a Gaussian, in which only pixels that are `valid` (H, W) count.

    What lies beyond the array, and is not valid, counts as if it were not there. Where no valid pixel is near, the
    result is 0.

    Args:
        probabilities: (K, H, W); they may be anything where they are not valid.
        valid: (H, W).
        deviation: Standard deviation in pixels.
        report: Asked whether to stop.

    Raises:
        Cancelled: The user has asked to stop.
    """
    weights = _blur(valid.astype(np.float32), deviation, report)
    blurred = np.zeros_like(probabilities)
    for source, target in zip(probabilities, blurred, strict=True):
        sums = _blur(np.where(valid, source, np.float32(0)), deviation, report)
        np.divide(sums, weights, out=target, where=weights > 0)
    return blurred


def _blur(image: NDArray[np.float32], deviation: float, report: Report) -> NDArray[np.float32]:
    """Return an image (H, W) blurred along its columns, then along its rows, some of them at a time."""
    from scipy.ndimage import gaussian_filter1d  # late: scipy is needed for few maps

    for axis in (0, 1):
        blurred = np.empty_like(image)
        at_once = max(1, _PIXELS_AT_ONCE // image.shape[axis])
        for first in range(0, image.shape[1 - axis], at_once):
            stop_if_cancelled(report)
            lines = slice(first, first + at_once)
            part = (slice(None), lines) if axis == 0 else (lines, slice(None))
            gaussian_filter1d(
                image[part], deviation, axis, output=blurred[part], mode="constant", radius=reach_of(deviation)
            )
        image = blurred
    return image
