"""How the probabilities of classes are spread over a map, and the thresholds that follow from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....contract.stages.prediction_parts.decision import MEAN_VALUE

_BINS = 1024  # a power of 2, so that a probability falls into the bin of whose lower edge it is


class Spread:
    """Counts and sums the probabilities of each class but the first.

    Args:
        classes: Number of classes, K.
    """

    def __init__(self, classes: int) -> None:
        self._counts = np.zeros((classes - 1, _BINS), np.int64)
        self._sums = np.zeros(classes - 1)

    @property
    def pixels(self) -> int:
        """How many pixels were added."""
        return int(self._counts[0].sum())

    def add(self, probabilities: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Add those (K, H, W) of the pixels that are `valid` (H, W)."""
        for at, values in enumerate(probabilities[1:]):
            counted = values[valid]
            bins = (counted * _BINS).astype(np.int64).clip(0, _BINS - 1)
            self._counts[at] += np.bincount(bins, minlength=_BINS)
            self._sums[at] += counted.sum(dtype=np.float64)

    def find_thresholds(self, method: str) -> tuple[float | None, ...]:
        """Return the threshold of each class but the first; None where there is none.

        Args:
            method: "mean" or "otsu".
        """
        if method == MEAN_VALUE:
            pixels = self._counts.sum(axis=1)
            return tuple(float(total / n) if n else None for total, n in zip(self._sums, pixels, strict=True))
        edges = [part_in_two(counts) for counts in self._counts]
        return tuple(None if edge is None else edge / _BINS for edge in edges)


def part_in_two(counts: NDArray[np.int64]) -> float | None:
    """Return where a histogram is best parted in two: the place of an edge between bins, counted from 0.

    It is where the variance between the two parts is largest (Otsu, "A threshold selection method from gray-level
    histograms", 1979); of several such edges, as along a gap, the middle. None where all is in one bin.
    """
    places = np.flatnonzero(counts)
    if len(places) < 2:
        return None
    weights = counts.astype(np.float64)
    centres = np.arange(len(counts)) + 0.5
    below, sums = np.cumsum(weights)[:-1], np.cumsum(weights * centres)[:-1]
    above, rest = weights.sum() - below, (weights * centres).sum() - sums
    inside = (below > 0) & (above > 0)
    means_apart = np.divide(rest, above, where=inside, out=np.zeros_like(above))
    means_apart -= np.divide(sums, below, where=inside, out=np.zeros_like(below))
    variances = np.where(inside, below * above * means_apart**2, -1.0)
    best = np.flatnonzero(variances == variances.max())
    return float(best.mean()) + 1
