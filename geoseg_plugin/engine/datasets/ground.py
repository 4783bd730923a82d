"""Tiles on the ground: their footprints in one CRS, and which of them share ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.events import Report, stop_if_cancelled
from ..grid import Grid, same_crs
from ..vector import reproject

OVERLAP_INSET_PX = 0.1
NO_PARTNER = -1
NO_SET = -1
_POINTS_PER_SIDE = 8
_TILES_AT_ONCE = 2000


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


@dataclass(frozen=True)
class Ground:
    """N tiles laid out so that shapes that meet share ground, whatever their planes and pixel sizes.

    Attributes:
        shapes: Footprints (N,) in pixels of the dataset, different planes side by side.
        insets: The same by `inset`, so that neighbours do not touch (N,).
        pixels: Side of each tile's own pixels, in the same unit (N,).
    """

    shapes: NDArray[Any]
    insets: NDArray[Any]
    pixels: NDArray[np.float64]

    @classmethod
    def of(
        cls, polygons: NDArray[Any], planes: NDArray[np.int64], sizes: NDArray[np.int64], *,
        pixel_size: tuple[float, float] = (1.0, 1.0), gap: float = 0.0,
    ) -> Ground:  # fmt: skip
        """Lay out tiles.

        Args:
            polygons: Footprints (N,) in map units.
            planes: For each a number (N,) as `number_planes` gives it.
            sizes: Heights and widths of the tiles in pixels (N, 2).
            pixel_size: Width and height of a pixel of the dataset in map units; by default map units remain.
            gap: How far apart planes lie at least, in pixels.
        """
        shapes = _lay_apart(polygons, planes, pixel_size, gap)
        return cls(shapes, inset(shapes, sizes), np.sqrt(shapely.area(shapes) / sizes.prod(axis=1)))


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


def inset(polygons: NDArray[Any], sizes: NDArray[np.int64]) -> NDArray[Any]:
    """Return footprints (N,) smaller by OVERLAP_INSET_PX of their own pixels on each side.

    Of tiles that are no squares the shorter sides lose less, so that no shared ground is lost either.

    Args:
        polygons: The footprints, in any unit.
        sizes: Heights and widths of the tiles in pixels (N, 2).
    """
    bounds = shapely.bounds(polygons)
    centres, factors = (bounds[:, :2] + bounds[:, 2:]) / 2, 1 - 2 * OVERLAP_INSET_PX / sizes.max(axis=1)
    points, of_tile = shapely.get_coordinates(polygons, return_index=True)
    moved = centres[of_tile] + (points - centres[of_tile]) * factors[of_tile, None]
    return np.asarray(shapely.set_coordinates(polygons.copy(), moved))


def is_placed(grid: Grid, corner: tuple[float, float] = (0, 0)) -> bool:
    """Tell whether a grid says where it lies: by a CRS, or by more than its corner (x, y) in pixels of its scene."""
    return grid.crs is not None or not grid.transform.almost_equals(Affine.translation(*corner))


def number_planes(scenes: NDArray[Any], placed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the planes of tiles (N,), numbers: what lies in different planes shares no ground.

    Scenes that are placed lie in plane 0, each other one in a plane of its own.

    Args:
        scenes: The scene of every tile (N,).
        placed: Whether the tile says where it lies (N,), as `is_placed` tells; one tile speaks for its scene.
    """
    names, of_tile = np.unique(scenes.astype(str), return_inverse=True)
    is_known = np.bincount(of_tile, placed, minlength=len(names)) > 0
    return np.where(is_known[of_tile], 0, of_tile + 1)


def find_partners(
    insets: NDArray[Any], sets: NDArray[np.int64], report: Report | None = None
) -> NDArray[np.int64]:  # fmt: skip
    """Return for each tile (N,) the number of a tile of another set that shares ground with it, or NO_PARTNER.

    Args:
        insets: Their footprints (N,) as `Ground.insets`.
        sets: The number of the set each is in (N,); those of NO_SET share with nobody.
        report: Asked whether to stop.

    Raises:
        Cancelled: The user has asked to stop.
    """
    tree = shapely.STRtree(insets)
    partners = np.full(len(insets), NO_PARTNER)
    for start in range(0, len(insets), _TILES_AT_ONCE):
        if report is not None:
            stop_if_cancelled(report)
        one, other = tree.query(insets[start : start + _TILES_AT_ONCE])
        one += start
        asked = (sets[one] > sets[other]) & (sets[other] != NO_SET)
        asked &= (partners[one] == NO_PARTNER) | (partners[other] == NO_PARTNER)
        one, other = one[asked], other[asked]
        shared = shapely.intersects(insets[one], insets[other])
        partners[one[shared]], partners[other[shared]] = other[shared], one[shared]
    return partners


def _lay_apart(
    polygons: NDArray[Any], planes: NDArray[np.int64], pixel_size: tuple[float, float], gap: float
) -> NDArray[Any]:
    """Return footprints (N,) in pixels, with different planes side by side so that they never meet."""
    bounds = shapely.bounds(polygons) / np.tile(pixel_size, 2)
    numbers = np.unique(planes, return_inverse=True)[1]
    left, right = np.full(numbers.max() + 1, np.inf), np.full(numbers.max() + 1, -np.inf)
    np.minimum.at(left, numbers, bounds[:, 0])
    np.maximum.at(right, numbers, bounds[:, 2])
    starts = np.concatenate([[0], np.cumsum(right - left + gap + 1)[:-1]])
    points, of_tile = shapely.get_coordinates(polygons, return_index=True)
    points /= pixel_size
    points[:, 0] += (starts - left)[numbers[of_tile]]
    return np.asarray(shapely.set_coordinates(polygons.copy(), points))
