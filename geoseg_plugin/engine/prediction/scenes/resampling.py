"""A raster seen on pixels of another size: averaged where these are larger, interpolated where they are smaller.

The pixels of both begin at one corner and run the same way, so that rows and columns are resampled one after the other;
warping would take many times as long, and rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from .part import Part
from .sources import RasterSource

_PIXELS_AT_ONCE = 2**20
_LEAST_WEIGHT = 1e-6  # less is left over by floating point


@dataclass(frozen=True)
class Taps:
    """What pixels along an axis are made of, N pixels of K each.

    Attributes:
        places: (N, K) places of the pixels of the raster.
        weights: (N, K) float32 how much these count; over K they sum to 1.
    """

    places: NDArray[np.int64]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, first: int, count: int, step: float, length: int, *, blended: bool) -> Taps:
        """Return what some pixels are made of.

        Args:
            first: The first of them.
            count: Their number.
            step: How many pixels of the raster lie along one.
            length: Pixels of the raster along the axis.
            blended: Whether several pixels count, not only the one that holds the middle.
        """
        left = np.arange(first, first + count, dtype=np.float64) * step
        if not blended:
            places = np.floor(left + step / 2).astype(np.int64)[:, None]
            weights = np.ones((count, 1))
        elif step < 1:
            middle = np.clip(left + step / 2 - 0.5, 0, length - 1)[:, None]
            places = np.floor(middle).astype(np.int64) + np.arange(2)
            weights = 1 - np.abs(places - middle)
        else:
            places = np.floor(left).astype(np.int64)[:, None] + np.arange(math.ceil(step) + 1)
            right = np.minimum(left + step, length)[:, None]
            weights = np.minimum(places + 1, right) - np.maximum(places, left[:, None])
            weights = np.where(weights > _LEAST_WEIGHT, weights, 0)
            weights /= weights.sum(axis=1, keepdims=True)
        return cls(np.minimum(places, length - 1), weights.astype(np.float32))

    @property
    def reach(self) -> tuple[int, int]:
        """The first pixel of the raster that is taken, and the one after the last."""
        return int(self.places.min()), int(self.places.max()) + 1

    def part(self, part: slice) -> Taps:
        """Return those of some of the pixels."""
        return Taps(self.places[part], self.weights[part])

    def apply(self, image: NDArray[np.float32], axis: int, origin: int) -> NDArray[np.float32]:
        """Return an image whose rows (axis 1) or columns (axis 2) are made of those of an image.

        Args:
            image: (C, H, W).
            axis: The axis.
            origin: The pixel of the raster at which the image begins along it.
        """
        places = self.places - origin
        weights = self.weights[:, :, None] if axis == 1 else self.weights
        made = image.take(places[:, 0], axis) * weights[:, 0]
        for tap in range(1, places.shape[1]):
            made += image.take(places[:, tap], axis) * weights[:, tap]
        return made


class ScaledSource:
    """A raster on pixels of another size: see `reading.Source`.

    Averages count pixels with data alone, and have data where one of these has; interpolated pixels have data where the
    pixel of the raster has in which their middle lies.

    Args:
        source: The raster as it is, all of it.
        shape: Its rows and columns.
        steps: How many of its pixels lie along the width and the height of one that is seen.
        part: What of the pixels seen is to be mapped.
        blended: Whether several pixels count: values are amounts, not names.
    """

    def __init__(
        self, source: RasterSource, shape: tuple[int, int], steps: tuple[float, float], part: Part, *, blended: bool
    ) -> None:
        self._source = source
        self._height, self._width = shape
        self._across, self._down = steps
        self._part = part
        self._blended = blended
        self.dtypes = ("float32",) * len(source.dtypes)

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return pixels (C, H, W) of a window, and (H, W) True where they have data."""
        height, width = int(window.height), int(window.width)
        pixels, valid = np.empty((len(self.dtypes), height, width), np.float32), np.empty((height, width), np.bool_)
        at_once = max(1, int(_PIXELS_AT_ONCE / (width * max(1, self._across * self._down))))
        for first in range(0, height, at_once):
            count = min(at_once, height - first)
            part = slice(first, first + count)
            strip = Window(window.col_off, window.row_off + first, width, count)
            pixels[:, part], valid[part] = self._resample(strip)
        return pixels, valid

    def find_valid(self, window: Window) -> NDArray[np.bool_]:
        """Return (H, W) True where a window has data."""
        return self.read(window)[1]

    def find_wanted(self, window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where a window is to be mapped; None where all of it is."""
        return self._part.find(window)

    def _resample(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        rows, cols = self._taps(window, blended=self._blended)
        (top, bottom), (left, right) = rows.reach, cols.reach
        image, valid = self._source.read(Window(left, top, right - left, bottom - top))

        def apply(image: NDArray[np.float32], rows: Taps, cols: Taps) -> NDArray[np.float32]:
            return cols.apply(rows.apply(image, 1, top), 2, left)

        with np.errstate(over="ignore"):  # the nodata of 64-bit floats may be the least there is
            values = image.astype(np.float32)
        if valid.all():
            return apply(values, rows, cols), np.ones((int(window.height), int(window.width)), np.bool_)
        values[:, ~valid] = 0
        known = valid[None].astype(np.float32)
        shown = apply(known, *self._taps(window, blended=False)) > 0
        # Where nothing is missing, shares are 1 but for rounding: so pixels do not depend on what is read with them.
        partly = shown & (apply(1 - known, rows, cols) > 0)
        seen = apply(values, rows, cols)
        seen /= np.where(partly, apply(known, rows, cols), np.float32(1))
        return seen, shown[0]

    def _taps(self, window: Window, *, blended: bool) -> tuple[Taps, Taps]:
        """Return of what the rows and columns of a window are made; if not blended, only averages are of several."""
        rows, cols = (int(window.row_off), int(window.height)), (int(window.col_off), int(window.width))
        return (
            Taps.of(*rows, self._down, self._height, blended=blended or (self._blended and self._down >= 1)),
            Taps.of(*cols, self._across, self._width, blended=blended or (self._blended and self._across >= 1)),
        )
