"""Reads a region of a scene as a stream of windows ready for the network; every pixel is decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ...scaling import Scaling
from ..windows.covering import Coverage, Region

_ROWS_PER_READ = 256


class Source(Protocol):
    """A scene as the network is to see it, on one grid."""

    @property
    def dtypes(self) -> Sequence[str]:
        """The data type of each band that `read` gives."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) of a window inside the scene, and (H, W) True where they have data.

        Raises:
            InputError: The file is damaged there.
        """

    def find_valid(self, window: Window) -> NDArray[np.bool_]:
        """Return (H, W) True where a window has data.

        Raises:
            InputError: The file is damaged there.
        """

    def find_wanted(self, window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where a window is to be mapped; None where all of it is."""


@dataclass(frozen=True)
class Channels:
    """What one network takes of a scene.

    Attributes:
        bands: Places among the bands that are read, in the order of the network's channels.
        scaling: What turns them into network input.
    """

    bands: tuple[int, ...]
    scaling: Scaling

    def of(self, image: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return network input (C, H, W) for pixels (B, H, W) that are `valid` (H, W)."""
        chosen = image if self.bands == tuple(range(len(image))) else image[list(self.bands)]
        return self.scaling.apply(chosen, valid)


@dataclass(frozen=True)
class WindowInput:
    """What networks are shown of one window that has data to be mapped.

    Attributes:
        row: Its place in the cover of the rows.
        col: Its place in the cover of the columns.
        done: Share of the region that is through with it, 0 to 1.
        pixels: (C, size, size) float32 for each network.
    """

    row: int
    col: int
    done: float
    pixels: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class RowEnd:
    """Follows the last window of a row of windows.

    Attributes:
        row: The place of this row in the cover of the rows.
        done: Share of the region that is through with it, 0 to 1.
        valid: (rows, columns of the region) True where there are data to be mapped, for the rows of pixels that are new
            since the last one.
    """

    row: int
    done: float
    valid: NDArray[np.bool_]


class WindowReader:
    """Goes through a region of a scene from top to bottom, with only one row of its windows in memory.

    Args:
        source: The scene; not to be used elsewhere meanwhile.
        channels: What each network takes.
        coverage: How windows cover the scene.
        region: The part of it to go through.
    """

    def __init__(self, source: Source, channels: Sequence[Channels], coverage: Coverage, region: Region) -> None:
        self._source = source
        self._channels = tuple(channels)
        self._rows, self._cols = coverage.rows, coverage.cols
        self._region = region
        self._left, right = region.cols.reach
        shape = min(self._rows.size, self._rows.length), right - self._left
        self._image: NDArray[Any] = np.empty((len(source.dtypes), *shape), np.result_type(*source.dtypes))
        self._valid, self._wanted = np.empty(shape, np.bool_), np.empty(shape, np.bool_)
        self._first = self._stop = 0  # the rows of the scene that are in memory
        self._read_to = 0  # those before it with their pixels

    def __iter__(self) -> Iterator[WindowInput | RowEnd]:
        """Yield the windows with data row by row, and a RowEnd after each row.

        Raises:
            InputError: The file is damaged.
        """
        rows, cols = self._region.rows, self._region.cols
        told = rows.first
        for place, row in enumerate(rows.windows):
            self._move_to(*self._rows.inside(row))
            for number, col in enumerate(cols.windows, start=1):
                pixels = self._look(row, col)
                if pixels is not None:
                    yield WindowInput(row, col, (place + number / len(cols.windows)) / len(rows.windows), pixels)
            stop = min(self._stop, rows.stop)
            fresh = slice(told - self._first, stop - self._first)
            own = slice(cols.first - self._left, cols.stop - self._left)
            yield RowEnd(row, (place + 1) / len(rows.windows), self._valid[fresh, own] & self._wanted[fresh, own])
            told = stop

    def _move_to(self, first: int, stop: int) -> None:
        """Bring the rows from `first` up to `stop` into memory; those that are there already move to the top.

        Pixels are read only as far as something is wanted in these rows.
        """
        kept = max(0, self._stop - first)
        if kept > 0:
            begin, end = first - self._first, self._stop - self._first
            for rows in (*self._image, self._valid, self._wanted):
                rows[:kept] = rows[begin:end]
        self._first, self._stop = first, stop
        self._read_to = max(self._read_to, first)
        for part, window in self._parts(first + kept):
            wanted = self._source.find_wanted(window)
            self._wanted[part] = True if wanted is None else wanted
        if self._wanted[: stop - first].any():
            for part, window in self._parts(self._read_to):
                self._image[:, part], self._valid[part] = self._source.read(window)
            self._read_to = stop

    def _parts(self, begin: int) -> Iterator[tuple[slice, Window]]:
        """Yield places in memory for the rows from `begin` on, and which windows of the scene go there."""
        for row in range(begin, self._stop, _ROWS_PER_READ):
            count = min(_ROWS_PER_READ, self._stop - row)
            window = Window(self._left, row, self._valid.shape[1], count)
            yield slice(row - self._first, row - self._first + count), window

    def _look(self, row: int, col: int) -> tuple[NDArray[np.float32], ...] | None:
        """Return what the networks are shown of a window, None if it has no data to be mapped."""
        first, stop = self._cols.inside(col)
        inside = slice(0, self._stop - self._first), slice(first - self._left, stop - self._left)
        valid = self._valid[inside]
        if not (valid & self._wanted[inside]).any():
            return None
        image = self._image[(slice(None), *inside)]
        beyond = (
            _missing(self._rows.starts[row], self._rows.size, self._first, self._stop),
            _missing(self._cols.starts[col], self._cols.size, first, stop),
        )
        return tuple(_mirror(channels.of(image, valid), beyond) for channels in self._channels)


def _missing(start: int, size: int, first: int, stop: int) -> tuple[int, int]:
    return first - start, start + size - stop


def _mirror(pixels: NDArray[np.float32], beyond: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.float32]:
    """Return pixels (C, H, W) grown by so many rows and columns on each side, as mirrors would show them."""
    return np.pad(pixels, ((0, 0), *beyond), mode="reflect") if any(map(any, beyond)) else pixels
