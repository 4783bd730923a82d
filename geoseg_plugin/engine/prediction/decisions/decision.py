"""How probabilities become classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Choice = tuple[NDArray[np.integer], NDArray[np.float32]]


@dataclass(frozen=True)
class Decision:
    """What gives pixels their class.

    Attributes:
        thresholds: What the probability of each class but the first must reach, 0 to 1; () where the most probable
            class of all is taken.
    """

    thresholds: tuple[float, ...] = ()

    def choose(self, probabilities: NDArray[np.float32]) -> Choice:
        """Return the index of each pixel's class (H, W) and its probability (H, W) from (K, H, W)."""
        if self.thresholds:
            return choose_reached(probabilities, self.thresholds)
        return choose_classes(probabilities)


def choose_classes(probabilities: NDArray[np.float32]) -> Choice:
    """Return the index of the most probable class (H, W) and its probability (H, W) from (K, H, W).

    A running maximum, since argmax over the first axis takes several times as long. Of equals the first wins.
    """
    best = probabilities[0].copy()
    indices = _indices(probabilities)
    for index in range(1, len(probabilities)):
        np.copyto(indices, index, where=probabilities[index] > best)
        np.maximum(best, probabilities[index], out=best)
    return indices, best


def choose_reached(probabilities: NDArray[np.float32], thresholds: tuple[float, ...]) -> Choice:
    """Return the same for the most probable class, but the first, of those that reach their threshold; else the first.

    Args:
        probabilities: (K, H, W).
        thresholds: Of each class but the first.
    """
    best = np.full(probabilities.shape[1:], -1, np.float32)
    indices = _indices(probabilities)
    for index, threshold in enumerate(thresholds, start=1):
        values = probabilities[index]
        chosen = (values >= np.float32(threshold)) & (values > best)
        np.copyto(indices, index, where=chosen)
        np.copyto(best, values, where=chosen)
    np.copyto(best, probabilities[0], where=indices == 0)
    return indices, best


def _indices(probabilities: NDArray[np.float32]) -> NDArray[np.integer]:
    return np.zeros(probabilities.shape[1:], np.uint8 if len(probabilities) <= 256 else np.uint16)
