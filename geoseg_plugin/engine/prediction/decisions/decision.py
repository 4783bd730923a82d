"""How probabilities become classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def choose_classes(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
    """Return the index of the most probable class (H, W) and its probability (H, W) from (K, H, W).

    A running maximum, since argmax over the first axis takes several times as long. Of equals the first wins.
    """
    best = probabilities[0].copy()
    indices: NDArray[np.integer] = np.zeros(best.shape, np.uint8 if len(probabilities) <= 256 else np.uint16)
    for index in range(1, len(probabilities)):
        np.copyto(indices, index, where=probabilities[index] > best)
        np.maximum(best, probabilities[index], out=best)
    return indices, best
