"""Lines and points as areas: buffers of a width that is true on the ground, whatever the CRS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import AzimuthalEquidistantConversion
from rasterio.crs import CRS

from ...contract.events import Report, stop_if_cancelled
from ..grid import Grid
from .reach import Places
from .shapes import take_apart

_AREA = 2
_QUARTER_SEGMENTS = 16
_CELL_DEGREES = 0.5  # within a cell of it, azimuthal equidistant maps are true to 1 in 50 000
_STEP_M = 1000  # within it, lines that are straight in different CRSs part by less than a few centimetres
_DEGREE_M = 111_320


def widen(
    geometries: NDArray[Any], crs: CRS | None, distance: float, report: Report, like: Grid | None = None
) -> NDArray[Any]:
    """Turn lines and points into areas; polygons stay as they are.

    Each line and point is widened in an azimuthal equidistant map that is centred near it, on the datum of its CRS.

    Args:
        geometries: Shapely geometries (N,), none of them missing or empty.
        crs: Their CRS, None where they are in a plane.
        distance: How far they reach on each side, in metres on the ground; without a CRS in its units.
        report: Asked whether to stop.
        like: The grid that they are for: features that do not reach it may stay thin. None to widen all.

    Returns:
        Shapely geometries (N,).

    Raises:
        InputError: Coordinates have no place on the ground in that CRS.
    """
    parts, owners = take_apart(geometries)
    changed = shapely.get_dimensions(parts) < _AREA
    on_ground = None if crs is None else pyproj.CRS.from_wkt(crs.to_wkt())
    if on_ground is None or on_ground.geodetic_crs is None:
        parts[changed] = _buffer(parts[changed], distance)
    else:
        places = Places.of(parts[changed], on_ground)
        if like is not None:
            reaching = np.isin(owners, owners[changed][places.may_reach(like, distance)])
            places = places.of_some(reaching[changed])
            changed &= reaching
        parts[changed] = _widen_on_ground(parts[changed], places.centres, on_ground, distance, report)
    return _put_together(geometries, parts, owners, changed)


def _put_together(
    geometries: NDArray[Any], parts: NDArray[Any], owners: NDArray[np.int64], changed: NDArray[np.bool_]
) -> NDArray[Any]:
    """Return geometries (N,) with changed parts; parts and owners (M,) are in the order of the geometries."""
    whole = geometries.copy()
    counts = np.bincount(owners, minlength=len(geometries))
    single = changed & (counts[owners] == 1)
    whole[owners[single]] = parts[single]
    for owner in np.unique(owners[changed & ~single]):
        first, last = np.searchsorted(owners, (owner, owner + 1))
        area = shapely.union_all(parts[first:last][changed[first:last]])
        kept = parts[first:last][~changed[first:last]]
        whole[owner] = shapely.GeometryCollection([*kept, area]) if len(kept) else area
    return whole


def _widen_on_ground(
    shapes: NDArray[Any], centres: NDArray[np.float64], crs: pyproj.CRS, distance: float, report: Report
) -> NDArray[Any]:
    cells, members = np.unique(np.floor(centres / _CELL_DEGREES), axis=0, return_inverse=True)
    widened = shapes.copy()
    for number, cell in enumerate(cells):
        stop_if_cancelled(report)
        chosen = np.flatnonzero(members.ravel() == number)
        longitude, latitude = (cell + 0.5) * _CELL_DEGREES
        widened[chosen] = _widen_near(shapes[chosen], crs, (longitude, latitude), distance)
    return widened


def _widen_near(shapes: NDArray[Any], crs: pyproj.CRS, centre: tuple[float, float], distance: float) -> NDArray[Any]:
    plane = ProjectedCRS(AzimuthalEquidistantConversion(centre[1], centre[0]), geodetic_crs=crs.geodetic_crs)
    forward = pyproj.Transformer.from_crs(crs, plane, always_xy=True)
    unit = crs.axis_info[0].unit_conversion_factor
    step = _STEP_M / _DEGREE_M if crs.is_geographic else _STEP_M / (unit or 1)
    buffered = _buffer(_move(shapely.segmentize(shapes, step), forward), distance)
    moved = _move(buffered, pyproj.Transformer.from_crs(plane, crs, always_xy=True))
    return _unwrap(moved, shapely.bounds(shapes)[:, [0, 2]].mean(axis=1)) if crs.is_geographic else moved


def _buffer(shapes: NDArray[Any], distance: float) -> NDArray[Any]:
    return np.asarray(shapely.buffer(shapes, distance, quad_segs=_QUARTER_SEGMENTS))


def _move(shapes: NDArray[Any], transformer: pyproj.Transformer) -> NDArray[Any]:
    def forward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(shapes, forward))


def _unwrap(shapes: NDArray[Any], longitudes: NDArray[np.float64]) -> NDArray[Any]:
    """Keep areas (N,) in one piece that cross the meridian of 180 degrees, each beside a longitude (N,) of its own."""
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    near = longitudes[owners]
    points[:, 0] = (points[:, 0] - near + 180) % 360 - 180 + near
    return np.asarray(shapely.set_coordinates(shapes, points))
