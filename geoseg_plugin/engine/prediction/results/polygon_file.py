"""Writes polygons to a vector file, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ...grid import Grid
from ...style import write_polygon_style
from ...vector import write_features

CLASS_FIELD = "class"
_FIELDS = (CLASS_FIELD, "name", "area_m2", "confidence")
_BATCH = 20_000


@dataclass(frozen=True)
class Areas:
    """Connected areas of one class each.

    Attributes:
        class_indices: (N,) index of the class.
        pixels: (N,) number of pixels.
        confidence: (N,) sum of the probabilities of their class over their pixels.
        geometries: (N,) shapely polygons in pixel coordinates (column, row).
    """

    class_indices: NDArray[np.int64]
    pixels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    geometries: NDArray[Any]

    def where(self, chosen: NDArray[np.bool_]) -> Areas:
        """Return those that are `chosen` (N,)."""
        return Areas(self.class_indices[chosen], self.pixels[chosen], self.confidence[chosen], self.geometries[chosen])


class PolygonFile:
    """A polygon layer with the fields class, name, area_m2 and confidence.

    Areas are planar in a projected CRS, on the ellipsoid in a geographic one, and NULL without a CRS.

    Args:
        path: The .gpkg, .shp or .geojson to create.
        grid: The grid that the pixel coordinates refer to.
        classes: The classes in the order of their indices.
    """

    def __init__(self, path: Path, grid: Grid, classes: ClassTable) -> None:
        self._path = path
        self._grid = grid
        self._measure = _area_measure(pyproj.CRS.from_wkt(grid.crs.to_wkt()) if grid.crs else None, grid)
        self._values = np.array(classes.values, np.int32)
        self._names = np.array(classes.names, dtype=object)
        self._waiting: list[Areas] = []
        self._exists = False
        write_polygon_style(path, classes, CLASS_FIELD)

    def write(self, areas: Areas) -> None:
        """Add areas; they reach the file in batches."""
        self._waiting.append(areas)
        if sum(len(waiting.pixels) for waiting in self._waiting) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left; without any area the layer is empty but there."""
        if self._waiting or not self._exists:
            self._flush()

    def _flush(self) -> None:
        indices = np.concatenate([areas.class_indices for areas in self._waiting] or [np.empty(0, np.int64)])
        pixels = np.concatenate([areas.pixels for areas in self._waiting] or [np.empty(0, np.int64)])
        sums = np.concatenate([areas.confidence for areas in self._waiting] or [np.empty(0)])
        shapes = np.concatenate([areas.geometries for areas in self._waiting] or [np.empty(0, object)])
        self._waiting = []
        geometries = shapely.orient_polygons(shapely.transform(shapes, self._to_map))
        values = self._values[indices], self._names[indices], self._measure(pixels, geometries), sums / pixels
        columns = dict(zip(_FIELDS, values, strict=True))
        write_features(self._path, geometries, columns, self._grid.crs, geometry_type="Polygon", append=self._exists)
        self._exists = True

    def _to_map(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (N, 2) column and row into map coordinates."""
        t = self._grid.transform
        cols, rows = points[:, 0], points[:, 1]
        return np.stack([t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f], axis=1)


_Measure = Callable[[NDArray[np.int64], NDArray[Any]], NDArray[np.float64]]


def _area_measure(crs: pyproj.CRS | None, grid: Grid) -> _Measure:
    """Return what turns pixel counts and polygons in map coordinates into square metres."""
    if crs is not None and crs.is_projected:
        pixel_area = abs(grid.transform.determinant) * crs.axis_info[0].unit_conversion_factor ** 2
        return lambda pixels, _: pixels * pixel_area
    if crs is not None and crs.is_geographic:
        ellipsoid = crs.get_geod()
        to_degrees = np.degrees(crs.axis_info[0].unit_conversion_factor)
        return lambda _, geometries: np.array(
            [
                ellipsoid.geometry_area_perimeter(shape)[0]
                for shape in shapely.transform(geometries, lambda points: points * to_degrees)
            ]
        )
    return lambda pixels, _: np.full(len(pixels), np.nan)
