"""Blends the answers of overlapping windows, holding no more than one row of windows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .covering import BLOCK, Coverage, Region


class Blender:
    """Sums weighted probabilities of windows that arrive row by row, and gives out the rows that are complete.

    Args:
        classes: Number of classes, K.
        coverage: How windows cover the raster.
        region: The part of it to blend.
    """

    def __init__(self, classes: int, coverage: Coverage, region: Region) -> None:
        self._rows, self._cols = coverage.rows, coverage.cols
        self._region = region
        self._row_weights = coverage.rows.weights(coverage.blending)
        self._col_weights = coverage.cols.weights(coverage.blending)
        height = min(self._rows.size + BLOCK, region.rows.length)
        self._sums = np.zeros((classes, height, region.cols.length), dtype=np.float32)
        self._top = region.rows.first

    def add(self, row: int, col: int, probabilities: NDArray[np.float32]) -> None:
        """Add the answer (K, size, size) of the window at place `row`, `col` of the cover. Changes the array."""
        from_row, to_row = _common(self._rows.starts[row], self._rows.size, self._top, self._region.rows.stop)
        from_col, to_col = _common(
            self._cols.starts[col], self._cols.size, self._region.cols.first, self._region.cols.stop
        )
        part = probabilities[:, from_row:to_row, from_col:to_col]
        part *= self._row_weights[row, from_row:to_row, None] * self._col_weights[col, from_col:to_col]
        top = self._rows.starts[row] + from_row - self._top
        left = self._cols.starts[col] + from_col - self._region.cols.first
        self._sums[:, top : top + part.shape[1], left : left + part.shape[2]] += part

    def take(self, row: int) -> tuple[int, NDArray[np.float32]]:
        """Give out the rows of pixels that no window after window row `row` touches.

        Returns:
            The first row of pixels and probabilities (K, rows, columns of the region), of which pixels that no window
            covered are 0. The number of rows is a multiple of BLOCK, possibly 0, until the region ends.
        """
        first, stop = self._top, self._region.rows.stop
        settled = stop if row == self._region.rows.windows[-1] else min(self._rows.settled(row), stop)
        count = max(0, settled - first)
        if settled < stop:
            count -= count % BLOCK
        strip = self._sums[:, :count].copy()
        kept = self._sums.shape[1] - count
        self._sums[:, :kept] = self._sums[:, count:]
        self._sums[:, kept:] = 0
        self._top += count
        return first, strip


def _common(start: int, size: int, first: int, stop: int) -> tuple[int, int]:
    """Return which pixels of a window lie between `first` and `stop`, counted from its start."""
    return min(max(0, first - start), size), max(0, min(size, stop - start))
