"""Reads a section of a raster as a stream of windows ready for the network; every pixel is decoded once."""

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
from .windows import Cover, Section

_ROWS_PER_READ = 256


@dataclass(frozen=True)
class WindowInput:
    """The network's input for one window that has data.

    Attributes:
        row: Its place in the cover of the rows.
        col: Its place in the cover of the columns.
        done: Share of the section that is through with it, 0 to 1.
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
        valid: (rows, columns of the section) True where the raster has data, for the rows of pixels that are new since
            the last one.
    """

    row: int
    done: float
    valid: NDArray[np.bool_]


class WindowReader:
    """Goes through a section of a raster from top to bottom, with only one row of its windows in memory.

    Args:
        dataset: The open raster; not to be used elsewhere meanwhile.
        bands: Band numbers in the order of the network's channels.
        scaling: What turns pixels into network input.
        rows: How windows cover the rows.
        cols: How windows cover the columns.
        section: The columns to go through.
    """

    def __init__(
        self,
        dataset: DatasetReader,
        bands: Sequence[int],
        scaling: Scaling,
        rows: Cover,
        cols: Cover,
        *,
        section: Section,
    ) -> None:
        self._dataset = dataset
        self._bands = tuple(bands)
        self._scaling = scaling
        self._rows = rows
        self._cols = cols
        self._section = section
        self._left, right = section.reach
        height, width = min(rows.size, rows.length), right - self._left
        dtype = np.result_type(*(dataset.dtypes[band - 1] for band in bands))
        self._image: NDArray[Any] = np.empty((len(bands), height, width), dtype)
        self._valid = np.empty((height, width), np.bool_)

    def __iter__(self) -> Iterator[WindowInput | RowEnd]:
        """Yield the windows with data row by row, and a RowEnd after each row.

        Raises:
            InputError: The file is damaged.
        """
        end = 0
        windows = self._section.windows
        own = slice(self._section.first - self._left, self._section.stop - self._left)
        for row, start in enumerate(self._rows.starts):
            fresh = max(0, end - start)
            self._move_up(fresh)
            end = start + len(self._valid)
            self._read(start, fresh)
            for number, col in enumerate(windows, start=1):
                pixels = self._scaled(self._cols.starts[col] - self._left)
                if pixels is not None:
                    yield WindowInput(row, col, (row + number / len(windows)) / len(self._rows.starts), pixels)
            yield RowEnd(row, (row + 1) / len(self._rows.starts), self._valid[fresh:, own].copy())

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
            window = Window(self._left, start + first, self._valid.shape[1], count)
            pixels = read_window(self._dataset, window, self._bands)
            self._image[:, first : first + count] = pixels
            self._valid[first : first + count] = read_valid(self._dataset, window, pixels, self._bands)

    def _scaled(self, left: int) -> NDArray[np.float32] | None:
        """Return the network input of the window at column `left` of the buffer, None if it has no data."""
        size = self._cols.size
        valid = self._valid[:, left : left + size]
        if not valid.any():
            return None
        scaled = self._scaling.apply(self._image[:, :, left : left + size], valid)
        missing = (0, size - scaled.shape[1]), (0, size - scaled.shape[2])
        return np.pad(scaled, ((0, 0), *missing), mode="reflect") if any(map(any, missing)) else scaled
