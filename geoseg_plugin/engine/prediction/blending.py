"""Blends the answers of overlapping windows, holding no more than one row of windows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .windows import BLOCK, Cover, Section


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
        section: The columns to blend.
    """

    def __init__(self, classes: int, rows: Cover, cols: Cover, section: Section) -> None:
        self._rows = rows
        self._cols = cols
        self._section = section
        self._row_weights = rows.weights()
        self._col_weights = cols.weights()
        height = min(rows.size + BLOCK, rows.length)
        self._sums = np.zeros((classes, height, section.stop - section.first), dtype=np.float32)
        self._top = 0

    def add(self, row: int, col: int, probabilities: NDArray[np.float32]) -> None:
        """Add the answer (K, size, size) of the window at place `row`, `col` of the cover. Changes the array."""
        first_row, first_col = self._rows.starts[row], self._cols.starts[col]
        height = min(self._rows.size, self._rows.length - first_row)
        inside = slice(max(0, self._section.first - first_col), min(self._cols.size, self._section.stop - first_col))
        part = probabilities[:, :height, inside]
        part *= self._row_weights[row, :height, None] * self._col_weights[col, inside]
        at, left = first_row - self._top, first_col + inside.start - self._section.first
        self._sums[:, at : at + height, left : left + part.shape[2]] += part

    def take(self, row: int) -> tuple[int, NDArray[np.float32]]:
        """Give out the rows of pixels that no window after window row `row` touches.

        Returns:
            The first row of pixels and probabilities (K, rows, columns of the section), of which pixels that no window
            covered are 0. The number of rows is a multiple of BLOCK, possibly 0, until the raster ends.
        """
        first, settled = self._top, self._rows.settled(row)
        count = settled - first
        if settled < self._rows.length:
            count -= count % BLOCK
        strip = self._sums[:, :count].copy()
        kept = self._sums.shape[1] - count
        self._sums[:, :kept] = self._sums[:, count:]
        self._sums[:, kept:] = 0
        self._top += count
        return first, strip
