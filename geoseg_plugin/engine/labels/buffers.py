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

from ...contract.errors import InputError
from ...contract.events import Report, stop_if_cancelled

_AREA = 2
_COLLECTION = shapely.GeometryType.GEOMETRYCOLLECTION
_QUARTER_SEGMENTS = 16
_CELL_DEGREES = 0.5  # within a cell of it, azimuthal equidistant maps are true to 1 in 50 000
_STEP_M = 1000  # within it, lines that are straight in different CRSs part by less than a few centimetres
_DEGREE_M = 111_320


def widen(geometries: NDArray[Any], crs: CRS | None, distance: float, report: Report) -> NDArray[Any]:
    """Turn lines and points into areas; polygons stay as they are.

    Features are widened in azimuthal equidistant maps that are centred near them, on the datum of their CRS.

    Args:
        geometries: Shapely geometries (N,), none of them missing or empty.
        crs: Their CRS, None where they are in a plane.
        distance: How far they reach on each side, in metres on the ground; without a CRS in its units.
        report: Asked whether to stop.

    Returns:
        Shapely geometries (N,).

    Raises:
        InputError: Coordinates have no place on the ground in that CRS.
    """
    widened = geometries.copy()
    mixed = (shapely.get_type_id(geometries) == _COLLECTION) & _holds_thin(geometries)
    for at in np.flatnonzero(mixed):
        parts = widen(shapely.get_parts(geometries[at : at + 1]), crs, distance, report)
        widened[at] = shapely.geometrycollections(parts)
    thin = np.flatnonzero((shapely.get_dimensions(geometries) < _AREA) & ~mixed)
    if len(thin):
        widened[thin] = _widen_thin(geometries[thin], crs, distance, report)
    return widened


def _holds_thin(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    parts, owners = shapely.get_parts(geometries, return_index=True)
    thin = (shapely.get_dimensions(parts) < _AREA) | (shapely.get_type_id(parts) == _COLLECTION)
    return np.isin(np.arange(len(geometries)), owners[thin])


def _widen_thin(shapes: NDArray[Any], crs: CRS | None, distance: float, report: Report) -> NDArray[Any]:
    on_ground = None if crs is None else pyproj.CRS.from_wkt(crs.to_wkt())
    if on_ground is None or on_ground.geodetic_crs is None:
        return _buffer(shapes, distance)
    to_degrees = pyproj.Transformer.from_crs(on_ground, "EPSG:4326", always_xy=True)
    bounds = shapely.bounds(shapes)
    centres = np.column_stack(
        to_degrees.transform((bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2)
    )
    if not np.isfinite(centres).all():
        raise InputError(
            f"{int((~np.isfinite(centres).all(axis=1)).sum())} lines or points have no place on the ground in their "
            f"CRS, {crs}.",
            "The layer probably states a wrong CRS.",
        )
    cells, members = np.unique(np.floor(centres / _CELL_DEGREES), axis=0, return_inverse=True)
    widened = shapes.copy()
    for number, cell in enumerate(cells):
        stop_if_cancelled(report)
        chosen = np.flatnonzero(members.ravel() == number)
        longitude, latitude = (cell + 0.5) * _CELL_DEGREES
        widened[chosen] = _widen_near(shapes[chosen], on_ground, (longitude, latitude), distance)
    return widened


def _widen_near(shapes: NDArray[Any], crs: pyproj.CRS, centre: tuple[float, float], distance: float) -> NDArray[Any]:
    plane = ProjectedCRS(AzimuthalEquidistantConversion(centre[1], centre[0]), geodetic_crs=crs.geodetic_crs)
    forward = pyproj.Transformer.from_crs(crs, plane, always_xy=True)
    unit = crs.axis_info[0].unit_conversion_factor
    step = _STEP_M / _DEGREE_M if crs.is_geographic else _STEP_M / (unit or 1)
    buffered = _buffer(_move(shapely.segmentize(shapes, step), forward), distance)
    moved = _move(buffered, pyproj.Transformer.from_crs(plane, crs, always_xy=True))
    return _unwrap(moved, shapely.bounds(shapes)[:, 0]) if crs.is_geographic else moved


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
