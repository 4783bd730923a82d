"""The part of a raster within a rectangle and polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ...contract.errors import OutsideError
from ...contract.events import Report
from ..grid import Grid
from ..labels.burner import Burner
from ..labels.layer import LabelLayer
from .cutout import Outline, bounds_window, find_window


@dataclass(frozen=True)
class Cut:
    """What to cut out.

    Attributes:
        frame: The grid that is cut: that of a raster, or a part of it, or another one.
        window: The window of `frame` that becomes the result.
        mask: Polygons, burnt on `frame`; what lies outside them is hidden.
        corner: Column and row of the raster at which `frame` begins, where it is a part of it.
    """

    frame: Grid
    window: Window
    mask: Burner | None = None
    corner: tuple[int, int] = (0, 0)

    @property
    def grid(self) -> Grid:
        """The grid of the result."""
        return self.frame.part(self.window)

    @property
    def place(self) -> Window:
        """The window of the raster that becomes the result."""
        col, row = self.corner
        window = self.window
        return Window(col + window.col_off, row + window.row_off, window.width, window.height)

    def find_inside(self, window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where the centres of a window of the result lie within the polygons; None without any."""
        if self.mask is None:
            return None
        col, row = self.window.col_off + window.col_off, self.window.row_off + window.row_off
        return np.asarray(self.mask.burn(Window(col, row, window.width, window.height)) == 1)


def find_cut(grid: Grid, name: str, outline: Outline | None, areas: LabelLayer | None, report: Report) -> Cut:
    """Return the part of a raster in whole pixels that an outline and polygons touch.

    Args:
        grid: The grid of the raster.
        name: Where it lies, for messages.
        outline: A rectangle, if there is one.
        areas: Polygons, if there are some: see `layer.read_areas`.
        report: Hears what was mended or left out of the polygons.

    Raises:
        InputError: A CRS is missing on one side.
        OutsideError: They do not overlap.
    """
    window = find_window(outline, grid, name) if outline else Window(0, 0, grid.width, grid.height)
    frame, corner = grid.part(window), (int(window.col_off), int(window.row_off))
    if areas is None:
        return Cut(frame, Window(0, 0, frame.width, frame.height), corner=corner)
    part = f"the part of {name} that {outline.name} covers" if outline else name
    mask = burn_areas(areas, frame, part, report)
    around = bounds_window(mask.bounds, frame)
    if around is None:
        raise OutsideError(f"{areas.source} only touches {part}.", "Choose polygons on the raster.")
    return Cut(frame, around, mask, corner)


def burn_areas(areas: LabelLayer, grid: Grid, name: str, report: Report) -> Burner:
    """Return polygons ready to be burnt on a grid, pixels whose centres lie within them.

    Raises:
        InputError: A CRS is missing on one side.
        OutsideError: None lies on the grid.
    """
    mask = Burner(areas, grid, name, all_touched=False, report=report)
    mask.check_overlap()
    return mask
