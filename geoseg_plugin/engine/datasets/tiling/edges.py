"""Tiles over the edge: which pixels inside a grid fill a window that reaches beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.stages.datasets import REFLECT


@dataclass(frozen=True)
class Frame:
    """How a window is filled from pixels inside the grid.

    Attributes:
        inside: The window to be read, inside the grid.
        rows: For each row of the tile the row of `inside` that it shows, -1 where it shows none (H,).
        cols: The same for its columns (W,).
    """

    inside: Window
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]

    @property
    def is_whole(self) -> bool:
        """Whether the window lies inside the grid, so that what was read is the tile."""
        return (self.inside.height, self.inside.width) == (len(self.rows), len(self.cols)) and bool(
            self.rows[0] == self.cols[0] == 0 and self.rows[-1] + 1 == len(self.rows)
        )

    def complete(self, pixels: NDArray[Any], fill: float) -> NDArray[Any]:
        """Return the tile (..., H, W) for the pixels of `inside`, with `fill` where there are none.

        Args:
            pixels: (..., h, w) what was read of `inside`: image, label, or where they are valid.
            fill: The value over the edge; of no effect where the image is reflected.
        """
        if self.is_whole:
            return pixels
        tile: NDArray[Any] = pixels[..., self.rows[:, None], self.cols]
        tile[..., self.rows < 0, :] = fill
        tile[..., self.cols < 0] = fill
        return tile


def frame_of(window: Window, height: int, width: int, edges: str) -> Frame:
    """Return how a window of a grid is filled.

    Args:
        window: The tile, which overlaps the grid.
        height: Rows of the grid.
        width: Columns of the grid.
        edges: One of EDGES; with "reflect" the tile shows the mirrored image over the edge, again and again where the
            image is smaller than that, else nothing.
    """
    mirrored = edges == REFLECT
    rows = _shown(int(window.row_off), int(window.height), height, mirrored=mirrored)
    cols = _shown(int(window.col_off), int(window.width), width, mirrored=mirrored)
    top, left = rows[rows >= 0].min(), cols[cols >= 0].min()
    inside = Window(int(left), int(top), int(cols.max() - left) + 1, int(rows.max() - top) + 1)
    return Frame(inside, np.where(rows < 0, -1, rows - top), np.where(cols < 0, -1, cols - left))


def _shown(start: int, count: int, length: int, *, mirrored: bool) -> NDArray[np.int64]:
    """Return which of the `length` lines of a grid each of the `count` lines from `start` on shows, -1 for none."""
    lines = np.arange(start, start + count)
    if mirrored:
        lines %= 2 * length
        return np.minimum(lines, 2 * length - 1 - lines)
    return np.where((lines >= 0) & (lines < length), lines, -1)
