"""The footprints of tiles: their outlines in the CRS of the dataset."""

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

    def outlines(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the corners of all of them (P, 2) in map units, and of which tile each is (P,)."""
        points = [np.zeros((0, 2))]
        corners = [np.zeros(0, dtype=np.int64)]
        for grid, places in self.parts:
            outlines = outline_tiles(grid, places, self.crs)
            points.append(outlines.reshape(-1, 2))
            corners.append(np.full(len(places), outlines.shape[1]))
        return np.concatenate(points), np.repeat(np.arange(len(self)), np.concatenate(corners))


def outlines_of(polygons: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the corners (P, 2) of polygons (N,) without holes, and of which polygon each is (P,)."""
    points, of_polygon = shapely.get_coordinates(polygons, return_index=True)
    return points, of_polygon


def outline_tiles(grid: Grid, places: NDArray[np.int64], crs: CRS | None) -> NDArray[np.float64]:
    """Return the outlines of tiles on one grid as points (N, M, 2) in map units of `crs`.

    They are the corners, or more points along the sides where these become curves in another CRS.

    Args:
        grid: The grid.
        places: Row, column, height and width of the tiles in pixels (N, 4).
        crs: The CRS wanted; None where the grid has none.
    """
    return _outline(np.array([list(grid.transform)[:6]]), places, grid.crs, crs)


def footprints(grids: Sequence[Grid], crs: CRS | None) -> NDArray[Any]:
    """Return the footprint polygon of every grid (N,) in `crs`, in map units; those of one CRS are made at once."""
    by_crs: dict[str | None, list[int]] = {}
    for number, grid in enumerate(grids):
        by_crs.setdefault(grid.crs.to_wkt() if grid.crs is not None else None, []).append(number)
    polygons = np.full(len(grids), None, dtype=object)
    for numbers in by_crs.values():
        own = [grids[number] for number in numbers]
        transforms = np.array([list(grid.transform)[:6] for grid in own])
        places = np.array([[0, 0, grid.height, grid.width] for grid in own])
        polygons[numbers] = shapely.polygons(_outline(transforms, places, own[0].crs, crs))
    return polygons


def _outline(
    transforms: NDArray[np.float64], places: NDArray[np.int64], own_crs: CRS | None, crs: CRS | None
) -> NDArray[np.float64]:
    """Return the outlines (N, M, 2) of places (N, 4) on grids with these transforms (N, 6), or with one (1, 6)."""
    curved = own_crs is not None and crs is not None and not same_crs(own_crs, crs)
    way = np.linspace(0.0, 1.0, _POINTS_PER_SIDE if curved else 1, endpoint=False)
    back, none, full = 1 - way, np.zeros_like(way), np.ones_like(way)
    xs, ys = np.concatenate([way, full, back, none]), np.concatenate([none, way, full, back])
    row, col, height, width = places.T[:, :, None].astype(np.float64)
    a, b, c, d, e, f = transforms.T[:, :, None]
    across, down = col + xs * width, row + ys * height
    points = np.stack([a * across + b * down + c, d * across + e * down + f], axis=-1)
    if not curved or not len(points):
        return points
    moved = reproject(shapely.multipoints(points), own_crs, crs)
    return np.asarray(shapely.get_coordinates(moved).reshape(points.shape))
