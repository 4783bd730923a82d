"""Count, mean, spread and range of pixels, band by band, which can be joined without going back to the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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
        """Return the moments of all pixels of at least one part together."""
        known = tuple(parts)
        return cls.joined(
            np.array([part.count for part in known]),
            *(np.stack([getattr(part, name) for part in known]) for name in ("mean", "squares", "minimum", "maximum")),
        )

    @classmethod
    def joined(
        cls,
        counts: NDArray[np.integer[Any]],
        means: NDArray[np.float64],
        squares: NDArray[np.float64],
        minima: NDArray[np.float64],
        maxima: NDArray[np.float64],
    ) -> Moments:
        """Return the moments of N >= 1 parts together, given their counts (N,) and other moments (N, C).

        Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
        1979; here with all parts at once.
        """
        weights = counts.astype(np.float64)
        mean = weights @ means / weights.sum()
        together = squares.sum(axis=0) + weights @ (means - mean) ** 2
        return cls(int(counts.sum()), mean, together, minima.min(axis=0), maxima.max(axis=0))

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation (of the whole population)."""
        return np.asarray(np.sqrt(self.squares / self.count))
