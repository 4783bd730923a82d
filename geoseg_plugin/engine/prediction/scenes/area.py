"""The part of an image that is to be mapped."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy import ndimage

from ....contract.errors import OutsideError
from ....contract.events import Report, stop_if_cancelled
from ....contract.fields import Extent
from ....contract.stages.prediction_parts.image import LooksAtImage
from ...grid import Grid
from ...imagery.cut import Cut, find_cut
from ...imagery.cutout import Outline
from ...labels.burner import Burner
from ...labels.layer import LabelLayer, read_areas
from ...raster import blocks
from .part import Part

_REACH = 2  # pixels that an interpolation looks at on each side, counted in the larger ones of both grids
_ROWS_AT_ONCE = 256


class Wish:
    """The rectangle and the polygons that are to be mapped.

    Args:
        request: Which these are.
        path: Where the image lies, for messages.
        report: Hears what was mended or left out of the polygons.

    Raises:
        InputError: The polygons cannot be read.
    """

    def __init__(self, request: LooksAtImage, path: str, report: Report) -> None:
        self._extent = Extent.parse(request.extent) if request.extent else None
        self._areas = read_areas(request.area, report) if request.area else None
        self._path, self._report = path, report

    def find_part(self, grid: Grid) -> Part:
        """Return what lies on a grid: pixels that the rectangle touches, and whose centres lie within polygons.

        Raises:
            InputError: A CRS is missing on one side.
            OutsideError: Nothing does.
            Cancelled: The user has asked to stop.
        """
        outline = None if self._extent is None else Outline.of_extent(self._extent, grid.crs)
        cut = find_cut(grid, self._path, outline, self._areas, self._report)
        if self._areas is None:
            return Part(cut.place)
        self._check_not_empty(cut, self._areas)
        return Part(cut.place, lambda window: _find_in_cut(cut, window))

    def find_around(self, part: Part, grid: Grid, steps: tuple[float, float]) -> Part:
        """Return the pixels of another grid from which those of a part can be interpolated.

        Args:
            part: A part of a raster: see `find_part`.
            grid: A grid at the same place: see `pixel_sizes.scale_grid`.
            steps: How many pixels of the raster lie along the width and the height of one of the grid.
        """
        reach = math.ceil(_REACH * max(1, *(1 / step for step in steps))) + 1
        frame = _grow(part.frame, grid, steps, reach)
        if self._areas is None:
            return Part(frame)
        burner = Burner(self._areas, grid, self._path, all_touched=True, report=self._report)
        return Part(frame, lambda window: _find_near(burner, window, reach))

    def _check_not_empty(self, cut: Cut, areas: LabelLayer) -> None:
        for window in blocks(cut.grid.height, cut.grid.width, _ROWS_AT_ONCE, cut.grid.width):
            stop_if_cancelled(self._report)
            inside = cut.find_inside(window)
            if inside is None or inside.any():
                return
        raise OutsideError(
            f"No pixel of {self._path} has its centre within the polygons of {areas.source}.",
            "Choose larger polygons, or give their EXTENT instead.",
        )


def _find_in_cut(cut: Cut, window: Window) -> NDArray[np.bool_]:
    col, row = window.col_off - cut.place.col_off, window.row_off - cut.place.row_off
    inside = cut.find_inside(Window(col, row, window.width, window.height))
    return np.ones((int(window.height), int(window.width)), np.bool_) if inside is None else inside


def _find_near(burner: Burner, window: Window, reach: int) -> NDArray[np.bool_]:
    """Return (H, W) True where a window is no more than `reach` pixels from one that polygons touch."""
    col, row = int(window.col_off) - reach, int(window.row_off) - reach
    touched = burner.burn(Window(col, row, int(window.width) + 2 * reach, int(window.height) + 2 * reach)) == 1
    near = ndimage.maximum_filter(touched, size=2 * reach + 1)
    return np.asarray(near[reach:-reach, reach:-reach])


def _grow(window: Window, grid: Grid, steps: tuple[float, float], reach: int) -> Window:
    """Return the window of a grid that holds a window of a raster, and `reach` pixels more on each side."""
    left, right = _reach_over(window.col_off, window.width, steps[0], reach, grid.width)
    top, bottom = _reach_over(window.row_off, window.height, steps[1], reach, grid.height)
    return Window(left, top, right - left, bottom - top)


def _reach_over(first: float, length: float, step: float, reach: int, most: int) -> tuple[int, int]:
    return max(0, math.floor(first / step) - reach), min(most, math.ceil((first + length) / step) + reach)
