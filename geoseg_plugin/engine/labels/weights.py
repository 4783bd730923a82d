"""Weights by which pixels between features that nearly touch count more in training."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...contract.events import Report, stop_if_cancelled

_LEAST = 2.0**-24  # what is added to 1 and less than this is lost in float32


def weight_reach(weight: float, sigma: float) -> int:
    """Return from how many pixels on a feature has no influence on weights in float32 any more."""
    if weight <= _LEAST:
        return 0
    return math.ceil(sigma * math.sqrt(2 * math.log(weight / _LEAST))) + 1


def weigh_borders(numbers: NDArray[np.int32], weight: float, sigma: float, report: Report) -> NDArray[np.float32]:
    """Return 1 + weight * exp(-(a + b)**2 / (2 * sigma**2)) where no feature is, else 1.

    Args:
        numbers: Number of the feature that each pixel shows (H, W), 0 where there is none.
        weight: w of the formula.
        sigma: s of the formula, in pixels.
        report: Asked whether to stop.

    Returns:
        Weights (H, W), where a and b are the distances in pixels to the nearest two features of the array. Pixels that
        are less than `weight_reach` from the edge of the array may depend on what lies beyond.

    Raises:
        Cancelled: The user has asked to stop.

    Source:
        Ronneberger, Fischer, Brox: U-Net (2015), equation 2.
    """
    from scipy.ndimage import distance_transform_edt, find_objects  # late: slow to import, and most do without

    reach = weight_reach(weight, sigma)
    nearest, second = (np.full(numbers.shape, np.inf, dtype=np.float32) for _ in range(2))
    present = np.bincount(numbers.ravel()) > 0
    present[0] = False
    labels = np.cumsum(present, dtype=np.int32)[numbers]  # those that occur from 1 on, without gaps
    for label, box in enumerate(find_objects(labels), start=1):
        stop_if_cancelled(report)
        around = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side in box)
        distance = distance_transform_edt(labels[around] != label).astype(np.float32)
        second[around] = np.minimum(second[around], np.maximum(nearest[around], distance))
        nearest[around] = np.minimum(nearest[around], distance)
    weights = np.ones(numbers.shape, dtype=np.float32)
    between = np.isfinite(second) & (numbers == 0)
    total = np.add(nearest[between], second[between], dtype=np.float64)
    weights[between] = 1 + weight * np.exp(-(total**2) / (2 * sigma**2))
    return weights
