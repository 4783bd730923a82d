"""Where the pixels of a raster lie on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from affine import Affine
from rasterio.coords import BoundingBox
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ..contract.errors import InputError

_ALIGNED_WITHIN_PX = 0.01


@dataclass(frozen=True)
class Grid:
    """CRS, affine transform (pixel to map), height and width of a raster in pixels."""

    crs: CRS | None
    transform: Affine
    height: int
    width: int

    @classmethod
    def of(cls, dataset: DatasetReader) -> Grid:
        """Return the grid of an open raster."""
        return cls(dataset.crs, dataset.transform, dataset.height, dataset.width)

    def to_json(self) -> dict[str, Any]:
        """Return the grid as plain values; the CRS as AUTHORITY:CODE where it has one, else as WKT."""
        return {
            "crs": self.crs.to_string() if self.crs else None,
            "transform": list(self.transform)[:6],
            "height": self.height,
            "width": self.width,
        }

    @property
    def bounds(self) -> BoundingBox:
        """Left, bottom, right, top in map units, also of rotated and south-up grids."""
        corners = [self.transform @ corner for corner in self._corners()]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return BoundingBox(min(xs), min(ys), max(xs), max(ys))

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Width and height of a pixel in map units, both positive."""
        t = self.transform
        return math.hypot(t.a, t.d), math.hypot(t.b, t.e)

    def part(self, window: Window) -> Grid:
        """Return the grid of a window (whole pixels) of this grid."""
        shifted = self.transform @ Affine.translation(window.col_off, window.row_off)
        return Grid(self.crs, shifted, int(window.height), int(window.width))

    def is_same(self, other: Grid) -> bool:
        """Tell whether both have the same pixels: size, CRS, and corners within a hundredth of a pixel."""
        return (self.height, self.width) == (other.height, other.width) and self.offset_of(other) == (0, 0)

    def offset_of(self, other: Grid) -> tuple[int, int] | None:
        """Return (column, row) of this grid at which another one begins, if pixels of both fall on each other.

        None where they have other CRSs, pixel sizes or directions, or lie a hundredth of a pixel off somewhere.
        """
        if not same_crs(self.crs, other.crs):
            return None
        inverse = ~self.transform
        col, row = inverse @ (other.transform @ (0, 0))
        first = round(col), round(row)
        for corner in other._corners():
            at = inverse @ (other.transform @ corner)
            if any(abs(at[axis] - first[axis] - corner[axis]) > _ALIGNED_WITHIN_PX for axis in (0, 1)):
                return None
        return first

    def describe(self) -> str:
        """Return the grid in words, for messages."""
        crs = self.crs.to_string() if self.crs else "no CRS"
        if len(crs) > 40:
            crs = "a custom CRS"
        left, bottom, right, top = self.bounds
        return f"{self.width} x {self.height} pixels, {crs}, x {left:.8g} to {right:.8g}, y {bottom:.8g} to {top:.8g}"

    def _corners(self) -> tuple[tuple[int, int], ...]:
        return (0, 0), (self.width, 0), (0, self.height), (self.width, self.height)


def same_crs(one: CRS | None, other: CRS | None) -> bool:
    """Tell whether two CRSs are the same; two missing ones are."""
    return (one is None and other is None) or (one is not None and other is not None and one == other)


def read_crs(text: str) -> CRS:
    """Return the CRS for AUTHORITY:CODE or WKT.

    Raises:
        InputError: PROJ does not know it.
    """
    from rasterio.errors import CRSError

    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise InputError(f"The CRS '{text[:80]}' is not known.", "Give it as EPSG:code.") from error
