"""What is known of one tile: about a kilobyte, since there may be 100 000."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...grid import Grid
from .pairs import Pair

MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image of C bands is like.

    Attributes:
        grid: Its grid.
        dtype: Data type of its pixels.
        names: What the file calls its bands; empty texts where it has no names.
        valid: Number of pixels with data.
        not_finite: Number of pixels that are NaN or infinite in a band and not marked as without data.
        figures: The figures of the pixels with data that the properties name (7, C), NaN without any.
        digest: A hash of the pixels; two images with the same one are the same.
    """

    grid: Grid
    dtype: str
    names: tuple[str, ...]
    valid: int
    not_finite: int
    figures: NDArray[np.float64]
    digest: bytes

    @property
    def minimum(self) -> NDArray[np.float64]:
        """Smallest value of the pixels with data (C,)."""
        return self._figure(0)

    @property
    def maximum(self) -> NDArray[np.float64]:
        """Largest value (C,)."""
        return self._figure(1)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean (C,)."""
        return self._figure(2)

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation of the whole population (C,)."""
        return self._figure(3)

    @property
    def low(self) -> NDArray[np.float64]:
        """2nd percentile of a sample of these pixels (C,)."""
        return self._figure(4)

    @property
    def middle(self) -> NDArray[np.float64]:
        """Their median (C,)."""
        return self._figure(5)

    @property
    def high(self) -> NDArray[np.float64]:
        """98th percentile (C,)."""
        return self._figure(6)

    @property
    def is_constant(self) -> bool:
        """Whether there are no data, or one value only in every band."""
        return self.valid == 0 or bool((self.minimum == self.maximum).all())

    def _figure(self, number: int) -> NDArray[np.float64]:
        return np.asarray(self.figures[number])


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What a label is like, over the pixels where the image has data.

    Attributes:
        grid: Its grid.
        nodata: Its nodata value, None without.
        values: How many pixels have each value; of more than MOST_VALUES different ones, the most frequent.
        ignored: How many are to be ignored.
    """

    grid: Grid
    nodata: float | None
    values: dict[float, int]
    ignored: int


@dataclass(frozen=True, slots=True)
class TileFacts:
    """What is known of a tile.

    Attributes:
        pair: Its files.
        image: What its image is like; None where a file cannot be read.
        label: What its label is like; None without label, or where a file cannot be read.
        problem: Why a file cannot be read; empty where all can.
    """

    pair: Pair
    image: ImageFacts | None = None
    label: LabelFacts | None = None
    problem: str = ""
