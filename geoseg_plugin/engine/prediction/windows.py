"""How overlapping windows cover a raster, and how much each of them has to say about every pixel."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Side of the blocks of the rasters that are written; each block is written once, as a whole.
BLOCK = 256


@dataclass(frozen=True)
class Section:
    """Neighbouring pixels along an axis that are worked on together, and the windows that touch them.

    Attributes:
        first: First pixel, a multiple of BLOCK.
        stop: Pixel after the last one, a multiple of BLOCK or the end of the axis.
        windows: Places of these windows in their cover.
        reach: First pixel of the first of these windows, and the pixel after the last one inside the axis.
    """

    first: int
    stop: int
    windows: range
    reach: tuple[int, int]


@dataclass(frozen=True)
class Cover:
    """Windows of one size along one axis of a raster.

    Every window but a lone one lies inside the axis; the last one ends flush with it.

    Attributes:
        length: Pixels along the axis.
        size: Pixels along a window; may exceed `length`, then one window sticks out at the end.
        starts: First pixel of each window, ascending.
    """

    length: int
    size: int
    starts: tuple[int, ...]

    @classmethod
    def of(cls, length: int, size: int, overlap: float) -> Cover:
        """Cover an axis with windows that share at least `overlap` (0 to below 1) of their size."""
        stride = max(1, int(size * (1 - overlap)))
        last = max(0, length - size)
        starts = (*range(0, last, stride), last)
        return cls(length, size, starts)

    def sections(self, most: int) -> tuple[Section, ...]:
        """Part the axis into sections of one length, `most` pixels rounded up to whole blocks or less.

        A window on a border belongs to both sections, so that each can be blended alone.
        """
        count = -(-self.length // most)
        step = -(-self.length // (count * BLOCK)) * BLOCK
        return tuple(self._section(first, min(first + step, self.length)) for first in range(0, self.length, step))

    def _section(self, first: int, stop: int) -> Section:
        windows = range(bisect_right(self.starts, first - self.size), bisect_left(self.starts, stop))
        reach = self.starts[windows[0]], min(self.starts[windows[-1]] + self.size, self.length)
        return Section(first, stop, windows, reach)

    def settled(self, index: int) -> int:
        """Return the first pixel that windows after window `index` still touch."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else self.length

    def weights(self) -> NDArray[np.float32]:
        """Return the weight of each window's pixels, (windows, size) float32; over all windows they sum to 1.

        A window counts most in its middle and least at its border, as half a sine squared (Hann). Pixels of a window
        that sticks out of the axis weigh 0 there.
        """
        taper = np.sin(np.pi * (np.arange(self.size) + 0.5) / self.size) ** 2
        places = np.array(self.starts)[:, None] + np.arange(self.size)
        inside = places < self.length
        total = np.zeros(self.length)
        np.add.at(total, places[inside], np.broadcast_to(taper, places.shape)[inside])
        shares = taper / total[np.minimum(places, self.length - 1)]
        return np.where(inside, shares, 0).astype(np.float32)
