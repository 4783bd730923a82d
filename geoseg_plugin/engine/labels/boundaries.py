"""The rims of features, by which neighbours stay apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def find_rims(numbers: NDArray[np.int32], width: int) -> NDArray[np.bool_]:
    """Return which pixels are the rim of the feature that they show.

    A rim begins with the pixels of a feature that have another feature, or none, beside, above or below them. All
    pixels of features whose centres are less than `width` pixels from one of those belong to it. Where a feature is
    cut off by the edge of the array, it has no rim there.

    Args:
        numbers: Number of the feature that each pixel shows (H, W), 0 where there is none.
        width: Width of the rim in pixels; pixels that far from the edge of the array may depend on what lies beyond.

    Returns:
        (H, W) True on rims.
    """
    from scipy.ndimage import distance_transform_edt  # late: slow to import, and most requests do without

    outline = np.zeros(numbers.shape, dtype=np.bool_)
    across, down = numbers[:, 1:] != numbers[:, :-1], numbers[1:] != numbers[:-1]
    outline[:, 1:] |= across
    outline[:, :-1] |= across
    outline[1:] |= down
    outline[:-1] |= down
    shown = numbers > 0
    outline &= shown
    if width == 1 or not outline.any():
        return outline
    return np.asarray(shown & (distance_transform_edt(~outline) < width))
