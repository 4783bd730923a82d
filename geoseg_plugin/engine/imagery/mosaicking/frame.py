"""The grid of a mosaic, and where each raster lies on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.coords import BoundingBox
from rasterio.crs import CRS
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from rasterio.windows import intersect as windows_intersect

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.fields import Extent
from ....contract.stages.imagery import MosaicRasters
from ...grid import Grid, read_crs, same_crs
from ...raster import open_raster
from ...vector import reproject
from ..cutout import Outline, whole_pixels
from ..paths import name_some
from .mistakes import check_pixel_size, check_size
from .sources import Source, unique_crs

_BEND_PX = 2  # by which an outline may bend between the points that are reprojected
_EARTH_RADIUS_M = 6_378_137


@dataclass(frozen=True)
class Placed:
    """A raster on the grid of a mosaic.

    Attributes:
        source: The raster.
        window: Where its pixels lie, in rows and columns of the grid, beyond which it may reach.
        is_direct: Whether its pixels fall on those of the grid; else it is resampled.
    """

    source: Source
    window: Window
    is_direct: bool


def choose_grid(request: MosaicRasters, sources: Sequence[Source], report: Report) -> Grid:
    """Return the grid of the mosaic: that of LIKE, or one that continues the first raster's pixels over all rasters.

    Where the CRS is not the first raster's, edges of pixels lie at whole multiples of their size.

    Raises:
        InputError: A raster has no place in the CRS or lies on both ends of it, or the grid would be absurdly large.
    """
    if request.like:
        with open_raster(request.like) as like:
            return Grid.of(like)
    first = sources[0].grid
    crs = read_crs(request.crs) if request.crs else first.crs
    if crs is not None and first.crs is None:
        raise InputError(f"CRS is {request.crs}, but the rasters have no CRS.", "Give them their CRS first.")
    moved = not same_crs(crs, first.crs)
    width, height = _pixel_size(request, sources, crs, moved=moved)
    bounds = _extent_bounds(Extent.parse(request.extent), crs) if request.extent else _union(sources, crs)
    left, top = (0.0, 0.0) if moved else (first.bounds.left, first.bounds.top)
    check_pixel_size(request, bounds)
    cols = whole_pixels((bounds.left - left) / width, (bounds.right - left) / width)
    rows = whole_pixels((top - bounds.top) / height, (top - bounds.bottom) / height)
    transform = Affine(width, 0, left + cols[0] * width, 0, -height, top - rows[0] * height)
    if not (moved or _is_north_up(first)):
        report.note(f"{sources[0].path} is rotated or south-up; the mosaic is north-up.")
    grid = Grid(crs, transform, rows[1] - rows[0], cols[1] - cols[0])
    check_size(grid, sources, is_extent=bool(request.extent))
    return grid


def place_sources(sources: Sequence[Source], grid: Grid, report: Report) -> tuple[Placed, ...]:
    """Return where the rasters lie on the grid, without those that lie beside it.

    Raises:
        InputError: None lies on the grid, or some have no CRS and cannot be resampled.
    """
    placed, outside, why = [], [], dict.fromkeys(_REASONS, 0)
    places = [grid.offset_of(source.grid) for source in sources]
    resampled = [source for source, at in zip(sources, places, strict=True) if not at]
    bounds = iter(_pixel_bounds(resampled, grid))
    for source, at in zip(sources, places, strict=True):
        window = Window(*at, source.grid.width, source.grid.height) if at else _find_bounds(next(bounds))
        if window is None or not windows_intersect(window, Window(0, 0, grid.width, grid.height)):
            outside.append(source.path)
            continue
        if not at:
            _check_crs(source, grid)
            why[_reason(source.grid, grid)] += 1
        placed.append(Placed(source, window, bool(at)))
    if not placed:
        raise InputError(
            f"No raster lies on the grid of the mosaic, which is {grid.describe()}; {sources[0].path} is "
            f"{sources[0].grid.describe()}.",
            "Check LIKE, CRS and EXTENT.",
        )
    if outside:
        report.note(f"{len(outside)} of {len(sources)} rasters lie outside the mosaic: {name_some(outside)}.")
    if any(why.values()):
        reasons = ", ".join(f"{count} {text}" for text, count in why.items() if count)
        report.note(f"{sum(why.values())} of {len(placed)} rasters are resampled to the mosaic's grid: {reasons}.")
    return tuple(placed)


_REASONS = ("in another CRS", "with another pixel size", "rotated or south-up", "shifted by part of a pixel")


def _reason(source: Grid, grid: Grid) -> str:
    if not same_crs(source.crs, grid.crs):
        return _REASONS[0]
    if not np.allclose(source.pixel_size, grid.pixel_size, rtol=1e-6):
        return _REASONS[1]
    return _REASONS[3] if _is_north_up(source) else _REASONS[2]


def _check_crs(source: Source, grid: Grid) -> None:
    if (source.grid.crs is None) != (grid.crs is None):
        without = source.path if source.grid.crs is None else "The grid of the mosaic"
        raise InputError(f"{without} has no CRS, so nothing can be resampled.", "Give it its CRS first.")
    if source.grid.crs is None:
        raise InputError(
            f"{source.path} has no CRS and its pixels do not fall on those of the mosaic: it cannot be resampled.",
            "Give the rasters their CRS first.",
        )


def _pixel_size(
    request: MosaicRasters, sources: Sequence[Source], crs: CRS | None, *, moved: bool
) -> tuple[float, float]:
    if request.pixel_size is not None:
        return request.pixel_size, request.pixel_size
    if not moved:
        return sources[0].grid.pixel_size
    with open_raster(sources[0].path) as first, WarpedVRT(first, crs=crs) as warped:
        return Grid.of(warped).pixel_size


def _extent_bounds(extent: Extent, crs: CRS | None) -> BoundingBox:
    outline = Outline.of_extent(extent, crs)
    if outline.crs is not None and crs is None:
        raise InputError("EXTENT has a CRS, but the rasters have none.", "Give them their CRS first.")
    return _bounds(shapely.get_coordinates(reproject(shapely.points(outline.points), outline.crs, crs)), "EXTENT", crs)


def _union(sources: Sequence[Source], crs: CRS | None) -> BoundingBox:
    """Return the bounds of all rasters in a CRS."""
    boxes = []
    for group in unique_crs(sources):
        members = [sources[number] for number in group]
        if same_crs(members[0].grid.crs, crs):
            boxes += [member.grid.bounds for member in members]
        else:
            for points, member in zip(_outlines(members, crs), members, strict=True):
                boxes.append(_bounds(points, member.path, crs))
                _check_in_one_piece(points, member.path, crs)
    sides = np.array(boxes)
    return BoundingBox(*sides[:, :2].min(axis=0).tolist(), *sides[:, 2:].max(axis=0).tolist())


def _check_in_one_piece(points: NDArray[np.float64], name: str, crs: CRS | None) -> None:
    """Refuse a raster whose outline (points, 2) jumps from one end of the world to the other."""
    if crs is None:
        return
    half_world = math.pi * (1 if crs.is_geographic else _EARTH_RADIUS_M) / crs.units_factor[1]
    if (np.abs(np.diff(points.reshape(4, -1, 2), axis=1)) > half_world).any():
        raise InputError(
            f"{name} lies across the line at which {crs} begins and ends (the antimeridian, longitude 180).",
            "Choose another CRS, such as the UTM zone of that place.",
        )


def _outlines(sources: Sequence[Source], crs: CRS | None) -> NDArray[np.float64]:
    """Return the outlines (N, points, 2) of rasters that share a CRS, in another one."""
    outlines = np.stack([Outline.of_grid(source.grid, source.path).points for source in sources])
    moved = reproject(shapely.multipoints(outlines), sources[0].grid.crs, crs)
    points: NDArray[np.float64] = shapely.get_coordinates(moved).reshape(outlines.shape)
    return points


def _pixel_bounds(sources: Sequence[Source], grid: Grid) -> NDArray[np.float64]:
    """Return left, top, right and bottom (N, 4) of each raster in pixels of the grid; NaN where it has no place."""
    result = np.full((len(sources), 4), np.nan)
    for group in unique_crs(sources):
        points = _outlines([sources[number] for number in group], grid.crs)
        cols, rows = ~grid.transform @ (points[..., 0], points[..., 1])
        at = np.stack([cols, rows], axis=-1)
        finite = np.isfinite(at).all(axis=2)
        result[np.array(group)[finite.any(axis=1)]] = [0, 0, grid.width, grid.height]  # where only a part has a place
        whole = finite.all(axis=1)
        numbers = np.array(group)[whole]
        result[numbers, :2], result[numbers, 2:] = at[whole].min(axis=1), at[whole].max(axis=1)
    return result


def _bounds(points: NDArray[np.float64], name: str, crs: CRS | None) -> BoundingBox:
    if not np.isfinite(points).all():
        raise InputError(f"{name} has no place in the CRS of the mosaic, {crs}.", "Choose another CRS.")
    return BoundingBox(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())


def _find_bounds(bounds: NDArray[np.float64]) -> Window | None:
    if not np.isfinite(bounds).all():
        return None
    left, top = (math.floor(side) - _BEND_PX for side in bounds[:2])
    right, bottom = (math.ceil(side) + _BEND_PX for side in bounds[2:])
    return Window(left, top, right - left, bottom - top)


def _is_north_up(grid: Grid) -> bool:
    t = grid.transform
    return bool(t.b == 0 and t.d == 0 and t.a > 0 > t.e)
