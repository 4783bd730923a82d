"""Reading the parts of many rasters that lie in one block, with few files open at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window
from rasterio.windows import intersect as windows_intersect
from rasterio.windows import intersection as common_window

from ....contract.events import Report, stop_if_cancelled
from ...grid import Grid
from ...raster import open_raster, read_known, read_window
from ..view import View, view_on_grid
from .frame import Placed

_MOST_OPEN = 32


class Layer(NamedTuple):
    """Pixels: `image` (C, H, W) and `known` (C or 1, H, W), True where there are data; None where all are."""

    image: NDArray[Any]
    known: NDArray[np.bool_] | None


class PieceReader:
    """Reads rasters on the grid of a mosaic. It is a context that closes them.

    Args:
        placed: The rasters, in order.
        grid: The grid of the mosaic.
        alpha: The number of the mosaic's alpha band; where it has none, alpha only tells what is known.
        resampling: How rasters on another grid are resampled.
        report: Asked whether to stop.
    """

    def __init__(
        self, placed: Sequence[Placed], grid: Grid, *, alpha: int | None, resampling: str, report: Report
    ) -> None:
        self._placed, self._grid = placed, grid
        self._alpha, self._resampling, self._report = alpha, resampling, report
        self._tree = shapely.STRtree([box_of(one.window) for one in placed])
        self._open: OrderedDict[tuple[int, bool], tuple[View, ExitStack]] = OrderedDict()

    def __enter__(self) -> PieceReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1][1].close()

    def find(self, window: Window) -> list[Piece]:
        """Return the pieces of all rasters that have pixels in a window of the grid, in order."""
        near = np.sort(self._tree.query(box_of(window)))
        pairs = [(self._placed[number], int(number)) for number in near]
        return [
            Piece(self, number, common_window(placed.window, window), window, placed)
            for placed, number in pairs
            if windows_intersect(placed.window, window)
        ]

    def read(self, number: int, window: Window, *, stretched: bool = False) -> Layer:
        """Read a window of the grid that lies within that of a raster.

        Args:
            number: The number of the raster.
            window: Rows and columns of the grid.
            stretched: Whether a raster that is resampled is stretched, see `view_on_grid`.

        Raises:
            InputError: The file cannot be opened any more, or is damaged.
        """
        source = self._placed[number].source
        view, inside, bands = self._locate(number, window, stretched=stretched)
        image = read_window(view.pixels, inside, bands)
        if self._placed[number].is_direct and not source.is_partial:
            return Layer(image, None)
        place = self._alpha and self._alpha - 1
        others = image if place is None else np.delete(image, place, axis=0)
        known = read_known(view.pixels, inside, others, source.bands)
        if place is not None and len(known) > 1:  # what a pixel says of its transparency counts if any band is known
            known = np.insert(known, place, known.any(axis=0), axis=0)
        return Layer(image, known)

    def read_into(self, image: NDArray[Any], number: int, window: Window) -> None:
        """Read a window of the grid that lies within that of a raster into an array of its data type."""
        view, inside, bands = self._locate(number, window, stretched=False)
        read_window(view.pixels, inside, bands, out=image)

    def _locate(self, number: int, window: Window, *, stretched: bool) -> tuple[View, Window, Sequence[int]]:
        """Return what to read pixels of a raster from, which window of it, and which bands."""
        stop_if_cancelled(self._report)
        own, view = self._placed[number].window, self._view(number, stretched=stretched)
        left, top = window.col_off - own.col_off + view.col, window.row_off - own.row_off + view.row
        bands = self._placed[number].source.bands_with_alpha(self._alpha)
        return view, Window(left, top, window.width, window.height), bands

    def _view(self, number: int, *, stretched: bool) -> View:
        key = number, stretched
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key][0]
        if len(self._open) >= _MOST_OPEN:
            self._open.popitem(last=False)[1][1].close()
        one = self._placed[number]
        with ExitStack() as stack:
            dataset = stack.enter_context(open_raster(one.source.path))
            part = self._grid.part(one.window)
            view = stack.enter_context(view_on_grid(dataset, part, self._resampling, stretched=stretched))
            self._open[key] = view, stack.pop_all()
        return view


@dataclass(frozen=True)
class Piece:
    """The part of a raster that lies in a block; its pixels are read when asked for.

    Attributes:
        reader: Reads it.
        number: The number of the raster.
        window: The part, in rows and columns of the mosaic.
        block: The block, likewise.
        placed: The raster.
    """

    reader: PieceReader
    number: int
    window: Window
    block: Window
    placed: Placed

    @property
    def place(self) -> tuple[slice, slice, slice]:
        """Where the piece lies in arrays (C, H, W) of the block."""
        top, left = self.window.row_off - self.block.row_off, self.window.col_off - self.block.col_off
        return slice(None), slice(top, top + self.window.height), slice(left, left + self.window.width)

    @property
    def is_full(self) -> bool:
        """Whether all its pixels have data for certain."""
        return self.placed.is_direct and not self.placed.source.is_partial

    def read(self, *, stretched: bool = False) -> Layer:
        """Read the piece; for `stretched` see `PieceReader.read`."""
        return self.reader.read(self.number, self.window, stretched=stretched)

    def trim(self, known: NDArray[np.bool_]) -> Piece:
        """Return the part of the piece, a rectangle, that is needed where so much (C or 1, H, W) is known of it."""
        missing = np.any(~known, axis=0)
        rows, cols = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
        if not len(rows):
            return self
        left, top = self.window.col_off + int(cols[0]), self.window.row_off + int(rows[0])
        width, height = int(cols[-1] - cols[0]) + 1, int(rows[-1] - rows[0]) + 1
        return replace(self, window=Window(left, top, width, height))

    def fits(self, image: NDArray[Any]) -> bool:
        """Tell whether the piece can be read into an array as it is: all its pixels have data, of that data type."""
        return self.is_full and set(self.placed.source.dtypes) == {image.dtype.name}

    def read_into(self, image: NDArray[Any]) -> None:
        """Read the piece, which fits, into an array (C, H, W)."""
        self.reader.read_into(image, self.number, self.window)

    def read_around(self, margin: int) -> tuple[NDArray[np.bool_], tuple[slice, slice]]:
        """Return what is known (H, W) of the piece and, within the raster, of so many pixels around; and its place."""
        whole, part = self.placed.window, self.window
        top, left = max(part.row_off - margin, whole.row_off), max(part.col_off - margin, whole.col_off)
        bottom = min(part.row_off + part.height + margin, whole.row_off + whole.height)
        right = min(part.col_off + part.width + margin, whole.col_off + whole.width)
        around = Window(left, top, right - left, bottom - top)
        row, col = part.row_off - top, part.col_off - left
        place = slice(row, row + part.height), slice(col, col + part.width)
        known = None if self.is_full else self.reader.read(self.number, around).known
        shown = np.ones((around.height, around.width), np.bool_) if known is None else np.any(known, axis=0)
        return shown, place


def box_of(window: Window) -> Any:
    """Return a window as a rectangle."""
    return shapely.box(
        window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height
    )  # fmt: skip
