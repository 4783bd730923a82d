"""Which window of a raster a rectangle on the ground stands for, also across CRSs and on rotated grids."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from ...contract.errors import InputError, OutsideError
from ...contract.fields import Extent
from ..grid import Grid, read_crs, same_crs
from ..vector import reproject

_SLIVER_PX = 0.01
_POINTS_PER_SIDE = 64
_STEPS_BETWEEN = 64  # so that a line across the whole world, straight in one CRS, bends by less than a metre in between
_RETURNS_WITHIN = 0.01  # of the size of an outline


@dataclass(frozen=True)
class Outline:
    """The outline of an area: points (N, 2) in `crs`, one after the other around it, and a name for messages."""

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
        InputError: A CRS is missing on one side.
        OutsideError: The two do not overlap.
    """
    if (outline.crs is None) != (grid.crs is None):
        without, other = (outline.name, source) if outline.crs is None else (source, outline.name)
        raise InputError(f"{without} has no CRS, but {other} has one.", "Give it its CRS first.")
    edge, inside = _edge_in(outline, grid), _points_within(outline, grid)
    points = np.concatenate([edge[np.isfinite(edge).all(axis=1)], inside])
    if not len(points):
        raise InputError(f"{outline.name} has no place in the CRS of {source}, {grid.crs}.", "Check the CRS of both.")
    window = _window(np.concatenate([_clip_edge(_pixels(edge, grid), grid), _pixels(inside, grid)]), grid)
    if window is None:
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        raise OutsideError(
            f"{outline.name} does not overlap {source}: it covers x {west:.8g} to {east:.8g}, y {south:.8g} to "
            f"{north:.8g}; the raster is {grid.describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )
    return window


def bounds_window(bounds: tuple[float, float, float, float], grid: Grid) -> Window | None:
    """Return the window of whole pixels for bounds in pixels (left, top, right, bottom), None outside the grid."""
    return _window(np.array(bounds).reshape(2, 2), grid)


def _edge_in(outline: Outline, grid: Grid) -> NDArray[np.float64]:
    """Return dense points (N, 2) around an outline in the CRS of a grid, NaN where they have no place there.

    Of an outline that reaches beyond what the CRS can show, such as the whole world in UTM, some points have a false
    place, from which they do not come back.
    """
    along = np.arange(len(outline.points) * _STEPS_BETWEEN) / _STEPS_BETWEEN
    corners = np.concatenate([outline.points, outline.points[:1]])
    edge = np.column_stack([np.interp(along, np.arange(len(corners)), axis) for axis in corners.T])
    if same_crs(outline.crs, grid.crs):
        return edge
    there = _move(edge, outline.crs, grid.crs)
    apart = _move(there, grid.crs, outline.crs) - edge
    apart[~np.isfinite(apart)] = np.nan
    if outline.crs is not None and outline.crs.is_geographic:
        apart[:, 0] -= 360 * np.round(apart[:, 0] / 360)
    there[~(np.abs(apart) <= _RETURNS_WITHIN * np.ptp(edge, axis=0)).all(axis=1)] = np.nan
    return there


def _points_within(outline: Outline, grid: Grid) -> NDArray[np.float64]:
    """Return points (N, 2) spread over a raster that lie within the outline, in the CRS of the raster."""
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE)
    cols, rows = (axis.ravel() for axis in np.meshgrid(way * grid.width, way * grid.height))
    own = np.column_stack(grid.transform @ (cols, rows))
    elsewhere = own if same_crs(outline.crs, grid.crs) else _move(own, grid.crs, outline.crs)
    inside = shapely.contains_xy(shapely.convex_hull(shapely.MultiPoint(outline.points)), elsewhere)
    return np.asarray(own[inside])


def _clip_edge(edge: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Return points (N, 2) in pixels on the parts of an edge in pixels that lie on a raster, or a pixel beside it."""
    beside = -1, -1, grid.width + 1, grid.height + 1
    steps = np.stack([edge, np.roll(edge, -1, axis=0)], axis=1)
    steps = steps[np.isfinite(steps).all(axis=(1, 2))]
    on = edge[((edge >= beside[:2]) & (edge <= beside[2:])).all(axis=1)]
    return np.concatenate([on, shapely.get_coordinates(shapely.clip_by_rect(shapely.linestrings(steps), *beside))])


def _pixels(points: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    return np.column_stack(~grid.transform @ (points[:, 0], points[:, 1]))


def _move(points: NDArray[np.float64], source: CRS | None, target: CRS | None) -> NDArray[np.float64]:
    return np.asarray(shapely.get_coordinates(reproject(shapely.points(points), source, target)), dtype=np.float64)


def _walk_unit_square() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE)
    none, full = np.zeros_like(way), np.ones_like(way)
    return np.concatenate([way, full, way[::-1], none]), np.concatenate([none, way, full, way[::-1]])


def _window(points: NDArray[np.float64], grid: Grid) -> Window | None:
    """Return the window of a grid that points (N, 2) in pixels span; None where it has no pixel."""
    if not len(points):
        return None
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    left, right = (min(max(side, 0), grid.width) for side in whole_pixels(left, right))
    top, bottom = (min(max(side, 0), grid.height) for side in whole_pixels(top, bottom))
    if left >= right or top >= bottom:
        return None
    return Window(left, top, right - left, bottom - top)


def whole_pixels(low: float, high: float) -> tuple[int, int]:
    """Return the first and the last (exclusive) of the pixels between two edges, but for slivers of a hundredth.

    However close the edges, there is one pixel.
    """
    first = math.floor(low + _SLIVER_PX) if high - low >= 2 * _SLIVER_PX else math.floor(low)
    return first, max(math.ceil(high - _SLIVER_PX), first + 1)
