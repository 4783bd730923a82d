"""Blends the answers of overlapping windows, holding no more than one row of windows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .windows import Cover

# Rows are given out in multiples of this, the height of the blocks of the rasters that are written.
STRIP_ROWS = 256


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits (K, H, W) into probabilities, in place, and return them."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits


class Blender:
    """Sums weighted probabilities of windows that arrive row by row, and gives out the rows that are complete.

    Args:
        classes: Number of classes, K.
        rows: How windows cover the rows of the raster.
        cols: How windows cover its columns.
    """

    def __init__(self, classes: int, rows: Cover, cols: Cover) -> None:
        self._rows = rows
        self._cols = cols
        self._row_weights = rows.weights()
        self._col_weights = cols.weights()
        height = min(rows.size + STRIP_ROWS, rows.length)
        self._sums = np.zeros((classes, height, cols.length), dtype=np.float32)
        self._top = 0

    def add(self, row: int, col: int, probabilities: NDArray[np.float32]) -> None:
        """Add the answer (K, size, size) of the window at place `row`, `col` of the cover. Changes the array."""
        first_row, first_col = self._rows.starts[row], self._cols.starts[col]
        height = min(self._rows.size, self._rows.length - first_row)
        width = min(self._cols.size, self._cols.length - first_col)
        part = probabilities[:, :height, :width]
        part *= self._row_weights[row, :height, None] * self._col_weights[col, :width]
        at = first_row - self._top
        self._sums[:, at : at + height, first_col : first_col + width] += part

    def take(self, row: int) -> tuple[int, NDArray[np.float32]]:
        """Give out the rows of pixels that no window after window row `row` touches.

        Returns:
            The first row of pixels and probabilities (K, rows, width), of which pixels that no window covered are 0.
            The number of rows is a multiple of STRIP_ROWS, possibly 0, until the raster ends.
        """
        first, settled = self._top, self._rows.settled(row)
        count = settled - first
        if settled < self._rows.length:
            count -= count % STRIP_ROWS
        strip = self._sums[:, :count].copy()
        kept = self._sums.shape[1] - count
        self._sums[:, :kept] = self._sums[:, count:]
        self._sums[:, kept:] = 0
        self._top += count
        return first, strip
