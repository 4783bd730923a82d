"""Count, mean, spread and range of pixels, band by band, which can be joined without going back to the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Statistics of the valid pixels of one or several images, float64, one entry per band (C,).

    Attributes:
        count: Number of valid pixels, the same for all bands.
        mean: Mean.
        squares: Sum of squared deviations from the mean.
        minimum: Smallest value.
        maximum: Largest value.
    """

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]

    @classmethod
    def of(cls, image: NDArray[np.generic], valid: NDArray[np.bool_]) -> Moments:
        """Return the moments of an image (C, H, W) where `valid` (H, W), at least one pixel, is True."""
        pixels = image[:, valid].astype(np.float64)
        mean = pixels.mean(axis=1)
        squares = ((pixels - mean[:, None]) ** 2).sum(axis=1)
        return cls(pixels.shape[1], mean, squares, pixels.min(axis=1), pixels.max(axis=1))

    @classmethod
    def join(cls, parts: Iterable[Moments]) -> Moments:
        """Return the moments of all pixels of at least one part together.

        Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
        1979; here with all parts at once.
        """
        known = tuple(parts)
        counts = np.array([part.count for part in known], dtype=np.float64)
        means = np.stack([part.mean for part in known])
        mean = counts @ means / counts.sum()
        squares = np.stack([part.squares for part in known]).sum(axis=0) + counts @ (means - mean) ** 2
        minimum = np.min([part.minimum for part in known], axis=0)
        maximum = np.max([part.maximum for part in known], axis=0)
        return cls(int(counts.sum()), mean, squares, minimum, maximum)

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation (of the whole population)."""
        return np.asarray(np.sqrt(self.squares / self.count))
