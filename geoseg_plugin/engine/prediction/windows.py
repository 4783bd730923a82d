"""How overlapping windows cover a raster, and how much each of them has to say about every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIDE_STEP = 32


def network_side(pixels: int) -> int:
    """Return the next side of a window that networks can take: a multiple of 32."""
    return -(-pixels // _SIDE_STEP) * _SIDE_STEP


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
