"""What is measured of every tile: how many pixels have data, how many each class, and the statistics of the bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..moments import Moments

_FEW_CLASSES = 12


@dataclass(frozen=True)
class Measures:
    """What one tile of C bands and K classes holds.

    Attributes:
        valid: Number of pixels with image data.
        counts: Pixels of each class (K,), in the order of the class table; pixels without data count too where the
            label gives them a class.
        minimum: Smallest value of the pixels with data (C,), NaN without any, like the following.
        maximum: Largest value (C,).
        mean: Mean (C,).
        std: Standard deviation of the whole population (C,).
    """

    valid: int
    counts: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def measure_tile(
    image: NDArray[Any], valid: NDArray[np.bool_], label: NDArray[Any] | None, values: NDArray[np.integer[Any]]
) -> Measures:
    """Measure a tile.

    Args:
        image: Pixels (C, H, W).
        valid: Where they are known (H, W).
        label: Class values (H, W) of uint8 or uint16, None without labels.
        values: The class values (K,), empty without labels.
    """
    counts = count_classes(label, values) if label is not None else np.zeros(0, dtype=np.int64)
    if not valid.any():
        unknown = np.full(len(image), np.nan)
        return Measures(0, counts, unknown, unknown, unknown, unknown)
    moments = Moments.of(image, valid)
    return Measures(moments.count, counts, moments.minimum, moments.maximum, moments.mean, moments.std)


def count_classes(label: NDArray[Any], values: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return how many pixels of a label (H, W) of uint8 or uint16 have each of the values (K,)."""
    if len(values) <= _FEW_CLASSES:
        equal = np.empty(label.shape, dtype=np.bool_)
        plain = values.tolist()  # which keep the comparison in the label's data type
        return np.array([np.count_nonzero(np.equal(label, value, out=equal)) for value in plain], dtype=np.int64)
    found = np.bincount(label.ravel(), minlength=int(values.max()) + 1)
    return np.asarray(found[values], dtype=np.int64)
