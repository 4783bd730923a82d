"""Pixels of sheets that stay in memory: what was read for their tiles, as long as there is room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .patches import Strip

_Columns = tuple[int, int]


class StripMemory:
    """Keeps strips as they are read, so that pixels that tiles share are kept but once.

    It is filled by one thread; what it holds may be found by several.

    Args:
        room: How many bytes may be kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._strips: dict[int, dict[_Columns, list[Strip]]] = {}
        self._offered = 0
        self._kept = 0

    @property
    def kept_share(self) -> float:
        """Share of the pixels offered that was kept, 0 to 1; 1 where none was offered."""
        return self._kept / self._offered if self._offered else 1.0

    def keeper(self, sheet: int) -> Callable[[Strip], None]:
        """Return what keeps the strips of a sheet, given its number. Those of the same columns must not overlap."""
        by_columns = self._strips.setdefault(sheet, {})

        def keep(strip: Strip) -> None:
            pixels = strip.pixels.valid.size
            slim = _without_plain_mask(strip)
            size = _count_bytes(slim)
            self._offered += pixels
            if size <= self._room:
                self._room -= size
                self._kept += pixels
                by_columns.setdefault((slim.left, slim.right), []).append(slim)

        return keep

    def find(self, sheet: int, place: tuple[int, int, int, int]) -> tuple[Strip, ...] | None:
        """Return the strips that a place lies in, None where some of it was not kept.

        Args:
            sheet: Number of the sheet.
            place: Row, column, height and width on the grid of the sheet.
        """
        row, col, height, width = place
        for (left, right), strips in self._strips.get(sheet, {}).items():
            if left <= col and col + width <= right:
                held = tuple(strip for strip in strips if strip.top < row + height and strip.bottom > row)
                if sum(min(strip.bottom, row + height) - max(strip.top, row) for strip in held) == height:
                    return held
        return None


def _without_plain_mask(strip: Strip) -> Strip:
    """Return a strip of which one value says that there are data everywhere, where that is so."""
    valid = strip.pixels.valid
    if not valid.all():
        return strip
    return replace(strip, pixels=replace(strip.pixels, valid=np.broadcast_to(np.True_, valid.shape)))


def _count_bytes(strip: Strip) -> int:
    pixels = strip.pixels
    mask = 0 if not any(pixels.valid.strides) else pixels.valid.nbytes
    return pixels.image.nbytes + mask + (0 if pixels.label is None else pixels.label.nbytes)
