"""Reading the pixels of many tiles of a sheet: what tiles share is read and decompressed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..tile_source import TilePixels
from .sheet import SheetImage, Truth

_PATCH_BYTES = 128 * 1024 * 1024
_STEP = 256  # rows; whole blocks of most files
_DENSE = 0.5


@dataclass(frozen=True)
class Strip:
    """Pixels of a part of a sheet whose upper left pixel is (top, left)."""

    top: int
    left: int
    pixels: TilePixels

    @property
    def bottom(self) -> int:
        """The row below the last."""
        return self.top + len(self.pixels.valid)

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + int(self.pixels.valid.shape[1])

    def cut(self, place: tuple[int, int, int, int]) -> TilePixels:
        """Return what it has of the pixels of a place (row, column, height, width of the sheet's grid), as views."""
        row, col, height, width = place
        rows = slice(max(0, row - self.top), row - self.top + height)
        cols = slice(col - self.left, col - self.left + width)
        image, valid, label = self.pixels.image, self.pixels.valid, self.pixels.label
        return TilePixels(image[:, rows, cols], valid[rows, cols], None if label is None else label[rows, cols])


@dataclass(frozen=True)
class Patch:
    """Strips of a sheet, one below the other, and which tiles lie in them."""

    strips: tuple[Strip, ...]
    tiles: NDArray[np.int64]

    def cut(self, place: tuple[int, int, int, int]) -> TilePixels:
        """Return the pixels of a place (row, column, height, width of the sheet's grid) inside it; maybe views."""
        return cut_strips(self.strips, place)


class PatchReader:
    """Reads the places of tiles in patches of bounded size.

    Where tiles lie densely, patches run over the whole width of all (or of some, in wide images), and rows that the
    next tiles need too are kept. Where tiles lie scattered, each is read on its own.

    Args:
        image: The image of the sheet.
        truth: Its labels, None without.
        pixel_bytes: Bytes of a pixel over all bands, label and mask included.
        keep: Is given every strip of patches that run over all columns, from top to bottom; None where nobody is.
    """

    def __init__(
        self, image: SheetImage, truth: Truth | None, pixel_bytes: int, keep: Callable[[Strip], None] | None = None
    ) -> None:
        self._image = image
        self._truth = truth
        self._pixel_bytes = pixel_bytes
        self._keep = keep

    def read(self, places: NDArray[np.int64], tiles: NDArray[np.int64]) -> Iterator[Patch]:
        """Yield patches in which every tile lies once.

        Args:
            places: Row, column, height and width (N, 4), inside the grid.
            tiles: Which of them to read (M,).
        """
        for section in self._sections(places, tiles):
            own = places[section]
            rows, cols = _span(own[:, 0], own[:, 2]), _span(own[:, 1], own[:, 3])
            if (own[:, 2] * own[:, 3]).sum() < _DENSE * (rows[1] - rows[0]) * (cols[1] - cols[0]):
                for tile in section:
                    row, col, height, width = places[tile].tolist()
                    strip = read_strip(self._image, self._truth, Window(col, row, width, height))
                    yield Patch((strip,), np.array([tile]))
            else:
                yield from self._sweep(places, section, cols)

    def _sections(self, places: NDArray[np.int64], tiles: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield the tiles of one section of columns after the other, each from top to bottom."""
        if not len(tiles):
            return
        height, width = places[tiles, 2].max(), places[tiles, 3].max()
        widest = _PATCH_BYTES // int((height + 2 * _STEP) * self._pixel_bytes)
        numbers = places[tiles, 1] // max(widest - width, width)
        for number in np.unique(numbers):
            section = tiles[numbers == number]
            yield section[np.lexsort((places[section, 1], places[section, 0]))]

    def _sweep(
        self, places: NDArray[np.int64], section: NDArray[np.int64], cols: tuple[int, int]
    ) -> Iterator[Patch]:  # fmt: skip
        tops, bottoms = places[section, 0], places[section, 0] + places[section, 2]
        last = int(bottoms.max())
        strips: list[Strip] = []
        end = 0
        for group in np.split(np.arange(len(section)), np.flatnonzero(np.diff(tops // _STEP)) + 1):
            top, bottom = int(tops[group].min()), int(bottoms[group].max())
            strips = [strip for strip in strips if strip.bottom > top]
            if bottom > end:
                start, end = max(end, top), min(-(-bottom // _STEP) * _STEP, last)
                window = Window(cols[0], start, cols[1] - cols[0], end - start)
                strips.append(read_strip(self._image, self._truth, window))
                if self._keep is not None:
                    self._keep(strips[-1])
            yield Patch(tuple(strips), section[group])


def read_strip(image: SheetImage, truth: Truth | None, window: Window) -> Strip:
    """Read a window of a sheet, inside its grid.

    Raises:
        InputError: The scene or its labels are damaged there.
    """
    pixels, valid = image.read(window)
    label = None if truth is None else truth.read(window)
    return Strip(int(window.row_off), int(window.col_off), TilePixels(pixels, valid, label))


def cut_strips(strips: Sequence[Strip], place: tuple[int, int, int, int]) -> TilePixels:
    """Return the pixels of a place (row, column, height, width) that lies in strips; maybe views."""
    row, _, height, _ = place
    parts = [strip.cut(place) for strip in strips if strip.top < row + height and strip.bottom > row]
    return parts[0] if len(parts) == 1 else _stack(parts)


def _span(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[int, int]:
    return int(starts.min()), int((starts + lengths).max())


def _stack(parts: Sequence[TilePixels]) -> TilePixels:
    """Return pixels that lie one below the other, as one."""
    labels = [part.label for part in parts if part.label is not None]
    image = np.concatenate([part.image for part in parts], axis=1)
    return TilePixels(image, np.concatenate([part.valid for part in parts]), np.concatenate(labels) if labels else None)
