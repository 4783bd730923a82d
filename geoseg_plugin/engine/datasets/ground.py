"""Tiles on the ground: their footprints in one CRS, and which of them share ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ..grid import Grid, same_crs
from ..vector import reproject

OVERLAP_INSET_PX = 0.1
_POINTS_PER_SIDE = 8


@dataclass(frozen=True)
class Footprints:
    """Footprints of N tiles, of which polygons are made when they are asked for: those of 100 000 take 70 MB.

    Attributes:
        parts: Grids, and row, column, height and width of the tiles on each in pixels (n, 4).
        crs: CRS of the footprints, None where the grids have none.
    """

    parts: tuple[tuple[Grid, NDArray[np.int64]], ...]
    crs: CRS | None

    def __len__(self) -> int:
        return sum(len(places) for _, places in self.parts)

    def __getitem__(self, chosen: slice) -> NDArray[Any]:
        """Return the polygons of some of the tiles, in map units."""
        start, stop, _ = chosen.indices(len(self))
        first, polygons = 0, [np.zeros(0, dtype=object)]
        for grid, places in self.parts:
            own = places[max(0, start - first) : max(0, stop - first)]
            if len(own):
                polygons.append(np.asarray(shapely.polygons(outline_tiles(grid, own, self.crs)), dtype=object))
            first += len(places)
        return np.concatenate(polygons)


def outline_tiles(grid: Grid, places: NDArray[np.int64], crs: CRS | None, inset: float = 0.0) -> NDArray[np.float64]:
    """Return the outlines of tiles on one grid as points (N, M, 2) in map units of `crs`.

    They are the corners, or more points along the sides where these become curves in another CRS.

    Args:
        grid: The grid.
        places: Row, column, height and width of the tiles in pixels (N, 4).
        crs: The CRS wanted; None where the grid has none.
        inset: How far to stay inside the edge, in pixels.
    """
    curved = grid.crs is not None and crs is not None and not same_crs(grid.crs, crs)
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE if curved else 1, endpoint=False)
    back, none, full = 1 - way, np.zeros_like(way), np.ones_like(way)
    xs, ys = np.concatenate([way, full, back, none]), np.concatenate([none, way, full, back])
    row, col, height, width = places.T[:, :, None].astype(np.float64)
    at = (col + inset + xs * (width - 2 * inset), row + inset + ys * (height - 2 * inset))
    points = np.stack(grid.transform @ at, axis=-1)
    if not curved or not len(points):
        return points
    moved = reproject(shapely.multipoints(points), grid.crs, crs)
    return np.asarray(shapely.get_coordinates(moved).reshape(points.shape))


def footprints(grids: Sequence[Grid], crs: CRS | None, inset: float = 0.0) -> NDArray[Any]:
    """Return the footprint polygon of every grid in `crs`, in map units; for arguments see `outline_tiles`."""
    outlines = (outline_tiles(one, np.array([[0, 0, one.height, one.width]]), crs, inset)[0] for one in grids)
    return np.array([shapely.Polygon(outline) for outline in outlines], dtype=object)


def shared_ground(polygons: NDArray[Any], planes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs (P, 2) of polygons that overlap, each pair once.

    Args:
        polygons: Footprints, inset by `OVERLAP_INSET_PX` so that neighbours do not touch.
        planes: For each a number; what lies in different planes never overlaps.
    """
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    kept = (one < other) & (planes[one] == planes[other])
    return np.column_stack([one[kept], other[kept]])
