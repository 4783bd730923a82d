"""How overlapping windows cover a raster, and how much each of them has to say about every pixel."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....contract.stages.prediction_parts.windows import CROP
from .tapers import taper

# Side of the blocks of the rasters that are written; each block is written once, as a whole.
BLOCK = 256


@dataclass(frozen=True)
class Section:
    """Neighbouring pixels along an axis that are worked on together, and the windows that touch them.

    Attributes:
        first: First pixel.
        stop: Pixel after the last one.
        windows: Places of these windows in their cover.
        reach: First pixel of the first of these windows, and the pixel after the last one, inside the axis.
    """

    first: int
    stop: int
    windows: range
    reach: tuple[int, int]

    @property
    def length(self) -> int:
        """Number of pixels."""
        return self.stop - self.first


@dataclass(frozen=True)
class Cover:
    """Windows of one size along one axis of a raster.

    Neighbours share at least the overlap. The first and the last reach half of it beyond the axis, where the raster is
    mirrored, so that no pixel lies at the border of all its windows.

    Attributes:
        length: Pixels along the axis.
        size: Pixels along a window; may exceed `length`.
        starts: First pixel of each window, ascending; below 0 where it begins before the axis.
    """

    length: int
    size: int
    starts: tuple[int, ...]

    @classmethod
    def of(cls, length: int, size: int, overlap: float) -> Cover:
        """Cover an axis with windows that share at least `overlap` (0 to below 1) of their size."""
        if length <= size:
            return cls(length, size, (-((size - length) // 2),))
        stride = max(1, int(size * (1 - overlap)))
        margin = (size - stride) // 2
        last = length + margin - size
        starts = (*range(-margin, last, stride), last)
        return cls(length, size, starts)

    def sections(self, first: int, stop: int, most: int) -> tuple[Section, ...]:
        """Part the pixels from `first` up to `stop` into sections of one length, `most` rounded up to blocks or less.

        A window on a border belongs to both sections, so that each can be blended alone.
        """
        length = stop - first
        count = -(-length // most)
        step = -(-length // (count * BLOCK)) * BLOCK
        return tuple(self.section(start, min(start + step, stop)) for start in range(first, stop, step))

    def section(self, first: int, stop: int) -> Section:
        """Return the section of the pixels from `first` up to `stop`."""
        windows = range(bisect_right(self.starts, first - self.size), bisect_left(self.starts, stop))
        reach = max(0, self.starts[windows[0]]), min(self.starts[windows[-1]] + self.size, self.length)
        return Section(first, stop, windows, reach)

    def inside(self, index: int) -> tuple[int, int]:
        """Return the first pixel of a window that lies inside the axis, and the one after its last."""
        start = self.starts[index]
        return max(0, start), min(start + self.size, self.length)

    def settled(self, index: int) -> int:
        """Return the first pixel that windows after window `index` still touch."""
        return max(0, self.starts[index + 1]) if index + 1 < len(self.starts) else self.length

    def weights(self, blending: str) -> NDArray[np.float32]:
        """Return the weight of each window's pixels, (windows, size) float32; over all windows they sum to 1.

        Pixels beyond the axis weigh 0.

        Args:
            blending: One of the choices of BLENDING.
        """
        places = np.array(self.starts)[:, None] + np.arange(self.size)
        inside = (places >= 0) & (places < self.length)
        if blending == CROP:
            owned = self._nearest()[places.clip(0, self.length - 1)] == np.arange(len(self.starts))[:, None]
            return np.asarray(inside & owned, np.float32)
        shape = np.broadcast_to(taper(blending, self.size), places.shape)
        total = np.zeros(self.length)
        np.add.at(total, places[inside], shape[inside])
        shares = shape / total[places.clip(0, self.length - 1)]
        return np.where(inside, shares, 0).astype(np.float32)

    def _nearest(self) -> NDArray[np.int64]:
        """Return for each pixel the place of the window whose middle is nearest, the earlier of two."""
        middles = np.array(self.starts) + self.size / 2
        borders = (middles[1:] + middles[:-1]) / 2
        return np.searchsorted(borders, np.arange(self.length) + 0.5, side="left")


@dataclass(frozen=True)
class Region:
    """A rectangle of a raster that is blended in one go, from top to bottom.

    Attributes:
        rows: Its rows.
        cols: Its columns.
    """

    rows: Section
    cols: Section

    @property
    def window_count(self) -> int:
        """How many windows touch it."""
        return len(self.rows.windows) * len(self.cols.windows)


@dataclass(frozen=True)
class Coverage:
    """Windows that cover a raster.

    Attributes:
        rows: How they cover its rows.
        cols: How they cover its columns.
        blending: How they are blended; one of the choices of BLENDING.
    """

    rows: Cover
    cols: Cover
    blending: str
