"""Features in pixels of a grid, in the forms in which they are burnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..grid import Grid

_STEPS = 2.0**26  # coarser than what map coordinates lose, finer than what moves edges over pixel centres
_POINT, _POLYGON = shapely.GeometryType.POINT, shapely.GeometryType.POLYGON


def to_pixels(shapes: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Return shapes (N,) in the CRS of a grid as columns and rows of it, to steps of 2**-26.

    Floating point subtracts whole numbers of pixels from what is rounded so without losing digits.
    """
    inverse, (left, top) = ~grid.transform, (grid.transform.c, grid.transform.f)

    def forward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        # Relative to the corner first: large map coordinates would cost digits.
        x, y = points[:, 0] - left, points[:, 1] - top
        places = np.column_stack((x * inverse.a + y * inverse.b, x * inverse.d + y * inverse.e))
        return np.round(places * _STEPS) / _STEPS

    pixels: NDArray[Any] = shapely.transform(shapes, forward)
    return pixels


def find_finite(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which shapes (N,) have coordinates in their CRS, all of them finite."""
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=np.bool_)
    finite[owners[~np.isfinite(points).all(axis=1)]] = False
    return finite


def take_apart(shapes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the single parts of shapes (N,), the empty ones left out, and to which shape each belongs."""
    owners = np.arange(len(shapes))
    while (shapely.get_type_id(shapes) >= shapely.GeometryType.MULTIPOINT).any():  # collections may hold collections
        shapes, parents = shapely.get_parts(shapes, return_index=True)
        owners = owners[parents]
    kept = ~shapely.is_empty(shapes)
    return shapes[kept], owners[kept]


def describe(shapes: NDArray[Any]) -> list[dict[str, Any]]:
    """Return single points, lines and polygons as GeoJSON geometries, which shapely itself gives far more slowly."""
    types = shapely.get_type_id(shapes)
    described: list[dict[str, Any]] = [{}] * len(shapes)
    for chosen, name in (
        (types == _POLYGON, "Polygon"),
        (types == _POINT, "Point"),
        ((types != _POLYGON) & (types != _POINT), "LineString"),
    ):
        at = np.flatnonzero(chosen)
        if len(at):
            for place, coordinates in zip(at.tolist(), _nest(shapes[at], name), strict=True):
                described[place] = {"type": name, "coordinates": coordinates}
    return described


def _nest(shapes: NDArray[Any], name: str) -> list[Any]:
    """Return the coordinates of shapes of one type as nested lists."""
    if name == "Point":
        return _list_points(shapes)
    rings = shapely.get_rings(shapes, return_index=True) if name == "Polygon" else (shapes, np.arange(len(shapes)))
    points = _list_points(rings[0])
    ends = np.cumsum(shapely.get_num_coordinates(rings[0])).tolist()
    lines = [points[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if name == "LineString":
        return lines
    last = np.cumsum(np.bincount(rings[1], minlength=len(shapes))).tolist()
    return [lines[start:end] for start, end in zip([0, *last], last, strict=False)]


def _list_points(shapes: NDArray[Any]) -> list[tuple[float, float]]:
    """Return all points of shapes as tuples, which Python's garbage collector passes over, unlike lists."""
    points = shapely.get_coordinates(shapes)
    return list(zip(points[:, 0].tolist(), points[:, 1].tolist(), strict=True))
