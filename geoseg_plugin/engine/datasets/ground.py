"""Tiles on the ground: their footprints in one CRS, and which of them share ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ..grid import Grid
from ..vector import reproject

OVERLAP_INSET_PX = 0.1
_POINTS_PER_SIDE = 8


def footprints(grids: Sequence[Grid], crs: CRS | None, inset: float = 0.0) -> NDArray[Any]:
    """Return the footprint polygon of every grid in `crs`, in map units.

    Args:
        grids: The grids, in any CRS.
        crs: The CRS wanted; None where the grids have none.
        inset: How far to stay inside the edge, in pixels.
    """
    return np.array([reproject(_outline(grid, inset), grid.crs, crs) for grid in grids], dtype=object)


def shared_ground(polygons: NDArray[Any], planes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs (P, 2) of polygons that overlap, each pair once.

    Args:
        polygons: Footprints, inset by `OVERLAP_INSET_PX` so that neighbours do not touch.
        planes: For each a number; what lies in different planes never overlaps.
    """
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    kept = (one < other) & (planes[one] == planes[other])
    return np.column_stack([one[kept], other[kept]])


def _outline(grid: Grid, inset: float) -> Any:
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE, endpoint=False)
    back, none, full = 1 - way, np.zeros_like(way), np.ones_like(way)
    xs, ys = np.concatenate([way, full, back, none]), np.concatenate([none, way, full, back])
    cols = inset + xs * (grid.width - 2 * inset)
    rows = inset + ys * (grid.height - 2 * inset)
    return shapely.Polygon(np.column_stack(grid.transform @ (cols, rows)))
