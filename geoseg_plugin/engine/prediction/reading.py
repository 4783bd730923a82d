"""Reads a raster as a stream of windows ready for the network; every pixel is decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ..raster import read_valid, read_window
from ..scaling import Scaling
from .windows import Cover

_ROWS_PER_READ = 256


@dataclass(frozen=True)
class WindowInput:
    """The network's input for one window that has data.

    Attributes:
        row: Its place in the cover of the rows.
        col: Its place in the cover of the columns.
        done: Share of the raster that is through with it, 0 to 1.
        pixels: (C, size, size) float32.
    """

    row: int
    col: int
    done: float
    pixels: NDArray[np.float32]


@dataclass(frozen=True)
class RowEnd:
    """Follows the last window of a row of windows.

    Attributes:
        row: The place of this row in the cover of the rows.
        done: Share of the raster that is through with it, 0 to 1.
        valid: (rows, width) True where the raster has data, for the rows of pixels that are new since the last one.
    """

    row: int
    done: float
    valid: NDArray[np.bool_]


class WindowReader:
    """Goes through a raster from top to bottom, with no more pixels in memory than one row of windows has.

    Args:
        dataset: The open raster; not to be used elsewhere meanwhile.
        bands: Band numbers in the order of the network's channels.
        scaling: What turns pixels into network input.
        rows: How windows cover the rows.
        cols: How windows cover the columns.
    """

    def __init__(
        self, dataset: DatasetReader, bands: Sequence[int], scaling: Scaling, rows: Cover, cols: Cover
    ) -> None:
        self._dataset = dataset
        self._bands = tuple(bands)
        self._scaling = scaling
        self._rows = rows
        self._cols = cols
        height = min(rows.size, rows.length)
        dtype = np.result_type(*(dataset.dtypes[band - 1] for band in bands))
        self._image: NDArray[Any] = np.empty((len(bands), height, cols.length), dtype)
        self._valid = np.empty((height, cols.length), np.bool_)

    def __iter__(self) -> Iterator[WindowInput | RowEnd]:
        """Yield the windows with data row by row, and a RowEnd after each row.

        Raises:
            InputError: The file is damaged.
        """
        end = 0
        for row, start in enumerate(self._rows.starts):
            fresh = max(0, end - start)
            self._move_up(fresh)
            end = start + len(self._valid)
            self._read(start, fresh)
            for col, left in enumerate(self._cols.starts):
                pixels = self._scaled(left)
                if pixels is not None:
                    done = (row + (col + 1) / len(self._cols.starts)) / len(self._rows.starts)
                    yield WindowInput(row, col, done, pixels)
            yield RowEnd(row, (row + 1) / len(self._rows.starts), self._valid[fresh:].copy())

    def _move_up(self, kept: int) -> None:
        """Move the rows that this row of windows shares with the last one, at the bottom, to the top."""
        if kept > 0:
            for band in self._image:
                band[:kept] = band[-kept:]
            self._valid[:kept] = self._valid[-kept:]

    def _read(self, start: int, fresh: int) -> None:
        """Fill the rows from `fresh` on, of a buffer that begins at row `start` of the raster."""
        for first in range(fresh, len(self._valid), _ROWS_PER_READ):
            count = min(_ROWS_PER_READ, len(self._valid) - first)
            window = Window(0, start + first, self._cols.length, count)
            pixels = read_window(self._dataset, window, self._bands)
            self._image[:, first : first + count] = pixels
            self._valid[first : first + count] = read_valid(self._dataset, window, pixels)

    def _scaled(self, left: int) -> NDArray[np.float32] | None:
        """Return the network input of the window at column `left`, None if it has no data."""
        size = self._cols.size
        valid = self._valid[:, left : left + size]
        if not valid.any():
            return None
        scaled = self._scaling.apply(self._image[:, :, left : left + size], valid)
        missing = (0, size - scaled.shape[1]), (0, size - scaled.shape[2])
        return np.pad(scaled, ((0, 0), *missing), mode="reflect") if any(map(any, missing)) else scaled
