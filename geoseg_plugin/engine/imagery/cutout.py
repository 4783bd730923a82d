"""Which window of a raster a rectangle on the ground stands for, also across CRSs and on rotated grids."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from ...contract.errors import InputError
from ...contract.fields import Extent
from ..grid import Grid, read_crs, same_crs
from ..vector import reproject

_SLIVER_PX = 0.01
_POINTS_PER_SIDE = 64
_RETURNS_WITHIN = 0.01  # of the size of an outline


@dataclass(frozen=True)
class Outline:
    """The outline of an area: points (N, 2) in `crs`, dense enough to be reprojected, and a name for messages."""

    points: NDArray[np.float64]
    crs: CRS | None
    name: str

    @classmethod
    def of_extent(cls, extent: Extent, crs: CRS | None) -> Outline:
        """Return the outline of a rectangle; `crs` is the one it has where it states none."""
        xs, ys = _walk_unit_square()
        x = extent.xmin + xs * (extent.xmax - extent.xmin)
        y = extent.ymin + ys * (extent.ymax - extent.ymin)
        return cls(np.column_stack([x, y]), read_crs(extent.crs) if extent.crs else crs, "EXTENT")

    @classmethod
    def of_grid(cls, grid: Grid, name: str) -> Outline:
        """Return the outline of a raster."""
        xs, ys = _walk_unit_square()
        x, y = grid.transform @ (xs * grid.width, ys * grid.height)
        return cls(np.column_stack([x, y]), grid.crs, name)


def find_window(outline: Outline, grid: Grid, source: str) -> Window:
    """Return the window of whole pixels that the outline touches by more than a hundredth of a pixel.

    Args:
        outline: The area wanted.
        grid: The grid of the raster to cut from.
        source: Where that raster lies, for messages.

    Raises:
        InputError: A CRS is missing on one side, or the two do not overlap.
    """
    if (outline.crs is None) != (grid.crs is None):
        without, other = (outline.name, source) if outline.crs is None else (source, outline.name)
        raise InputError(f"{without} has no CRS, but {other} has one.", "Give it its CRS first.")
    points = _find_points(outline, grid)
    if not len(points):
        raise InputError(f"{outline.name} has no place in the CRS of {source}, {grid.crs}.", "Check the CRS of both.")
    cols, rows = ~grid.transform @ (points[:, 0], points[:, 1])
    window = _window(cols, rows, grid)
    if window is None:
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        raise InputError(
            f"{outline.name} does not overlap {source}: it covers x {west:.8g} to {east:.8g}, y {south:.8g} to "
            f"{north:.8g}; the raster is {grid.describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )
    return window


def bounds_window(bounds: tuple[float, float, float, float], grid: Grid) -> Window | None:
    """Return the window of whole pixels for bounds in pixels (left, top, right, bottom), None outside the grid."""
    return _window(np.array(bounds[::2]), np.array(bounds[1::2]), grid)


def _find_points(outline: Outline, grid: Grid) -> NDArray[np.float64]:
    """Return points (N, 2) in the CRS of the grid, between which the part of the grid within the outline lies.

    Of an outline that reaches beyond what the CRS of the grid can show, such as the whole world in UTM, points have no
    place or a false one, from which they do not come back; then points of the grid itself tell what is inside.
    """
    if outline.crs is None or same_crs(outline.crs, grid.crs):
        return outline.points
    there = _move(outline.points, outline.crs, grid.crs)
    apart = _move(there, grid.crs, outline.crs) - outline.points
    if outline.crs.is_geographic:
        apart[:, 0] -= 360 * np.round(apart[:, 0] / 360)
    true = (np.abs(apart) <= _RETURNS_WITHIN * np.ptp(outline.points, axis=0)).all(axis=1)
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE)
    cols, rows = (axis.ravel() for axis in np.meshgrid(way * grid.width, way * grid.height))
    own = np.column_stack(grid.transform @ (cols, rows))
    elsewhere = _move(own, grid.crs, outline.crs)
    inside = shapely.contains_xy(shapely.convex_hull(shapely.MultiPoint(outline.points)), elsewhere)
    return np.concatenate([there[true], own[inside]])


def _move(points: NDArray[np.float64], source: CRS | None, target: CRS | None) -> NDArray[np.float64]:
    return np.asarray(shapely.get_coordinates(reproject(shapely.points(points), source, target)), dtype=np.float64)


def _walk_unit_square() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE)
    none, full = np.zeros_like(way), np.ones_like(way)
    return np.concatenate([way, full, way, none]), np.concatenate([none, way, full, way])


def _window(cols: NDArray[np.float64], rows: NDArray[np.float64], grid: Grid) -> Window | None:
    left, right = _whole(float(cols.min()), float(cols.max()), grid.width)
    top, bottom = _whole(float(rows.min()), float(rows.max()), grid.height)
    if left >= right or top >= bottom:
        return None
    return Window(left, top, right - left, bottom - top)


def _whole(low: float, high: float, size: int) -> tuple[int, int]:
    """Return first and last (exclusive) pixel between two edges, within the raster."""
    if high - low < 2 * _SLIVER_PX:
        first, last = math.floor(low), math.floor(low) + 1
    else:
        first, last = math.floor(low + _SLIVER_PX), math.ceil(high - _SLIVER_PX)
    return max(first, 0), min(last, size)
