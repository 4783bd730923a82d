"""Count, mean, spread and range of pixels, band by band, which can be joined without going back to the pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 8192  # float64 that stay in the cache, and which linear algebra does not share out among threads
_BYTES_AT_ONCE = 262_144  # pixels; few calls, since each may have to wait for the interpreter's lock
_SQUARES_AT_ONCE = 4096  # the sum of so many squares of 8-bit values fits into 32 bits


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
        values = image.reshape(len(image), -1)
        if not valid.all():
            values = np.compress(valid.ravel(), values, axis=1)
        low, high = values.min(axis=1), values.max(axis=1)
        measure = _measure_bytes if values.dtype == np.uint8 else _measure
        mean, squares = (np.array(column, dtype=np.float64) for column in zip(*measure(values), strict=True))
        constant = low == high  # whose mean is not rounded
        return cls(
            values.shape[1], np.where(constant, low, mean), np.where(constant, 0.0, squares),
            low.astype(np.float64), high.astype(np.float64),
        )  # fmt: skip

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


def _measure(values: NDArray[Any]) -> Iterator[tuple[float, float]]:
    """Yield mean and sum of squared deviations of each band of values (C, N)."""
    for band in values:
        mean, squares = band.mean(dtype=np.float64), 0.0
        for start in range(0, len(band), _AT_ONCE):
            deviations = band[start : start + _AT_ONCE] - mean
            squares += float(deviations @ deviations)
        yield float(mean), squares


def _measure_bytes(values: NDArray[Any]) -> Iterator[tuple[float, float]]:
    """Yield the same of 8-bit values, in whole numbers up to the last step."""
    bands, count = values.shape
    totals = squares = np.zeros(bands, dtype=np.uint64)
    for start in range(0, count, _BYTES_AT_ONCE):
        part = values[:, start : start + _BYTES_AT_ONCE]
        totals = totals + part.sum(axis=1, dtype=np.uint32)
        squared = np.multiply(part, part, dtype=np.uint16)
        grouped = part.shape[1] // _SQUARES_AT_ONCE * _SQUARES_AT_ONCE
        groups = squared[:, :grouped].reshape(bands, -1, _SQUARES_AT_ONCE)
        squares = squares + groups.sum(axis=2, dtype=np.uint32).sum(axis=1, dtype=np.uint64)
        squares = squares + squared[:, grouped:].sum(axis=1, dtype=np.uint64)
    for total, square in zip(totals.tolist(), squares.tolist(), strict=True):
        yield total / count, (square * count - total * total) / count
