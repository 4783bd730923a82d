"""A part of a raster that is to be mapped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from rasterio.windows import intersect as windows_intersect
from rasterio.windows import intersection as common_window

from ...grid import Grid


@dataclass(frozen=True)
class Part:
    """A part of a raster.

    Attributes:
        frame: The window of the raster that holds it.
        find_inside: Tells (H, W) where a window of the raster, within `frame`, belongs to it; None where all does.
    """

    frame: Window
    find_inside: Callable[[Window], NDArray[np.bool_]] | None = None

    @classmethod
    def whole(cls, grid: Grid) -> Part:
        """Return all of a raster."""
        return cls(Window(0, 0, grid.width, grid.height))

    def find(self, window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where a window of the raster belongs to the part; None where all of it does."""
        found = np.zeros((int(window.height), int(window.width)), np.bool_)
        if not windows_intersect(window, self.frame):
            return found
        common = common_window(window, self.frame)
        if self.find_inside is None and common == window:
            return None
        top, left = int(common.row_off - window.row_off), int(common.col_off - window.col_off)
        inside = True if self.find_inside is None else self.find_inside(common)
        found[top : top + int(common.height), left : left + int(common.width)] = inside
        return found
