"""Count, mean, spread and range of pixels, band by band, which can be joined without going back to the pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 8192  # float64 that stay in the cache, and which linear algebra does not share out among threads
_BYTES_AT_ONCE = 65_536  # the sum of so many squares of 8-bit values fits into 32 bits


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
        whole = bool(valid.all())
        bands = [_measure(band.ravel() if whole else band[valid]) for band in image]
        columns = (np.array(column, dtype=np.float64) for column in zip(*bands, strict=True))
        return cls(valid.size if whole else int(np.count_nonzero(valid)), *columns)

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


def _measure(values: NDArray[Any]) -> tuple[float, float, float, float]:
    """Return mean, sum of squared deviations, minimum and maximum of at least one value (N,)."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0, low, high
    if values.dtype == np.uint8:
        return *_measure_bytes(values), low, high
    mean, squares = float(values.mean(dtype=np.float64)), 0.0
    for start in range(0, len(values), _AT_ONCE):
        deviations = values[start : start + _AT_ONCE] - np.float64(mean)
        squares += float(deviations @ deviations)
    return mean, squares, low, high


def _measure_bytes(values: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and sum of squared deviations of 8-bit values, in whole numbers up to the last step."""
    total = squares = 0
    for start in range(0, len(values), _BYTES_AT_ONCE):
        part = values[start : start + _BYTES_AT_ONCE]
        total += int(part.sum(dtype=np.uint32))
        squares += int(np.einsum("i,i", part, part, dtype=np.uint32, casting="unsafe"))
    return total / len(values), (squares * len(values) - total * total) / len(values)
