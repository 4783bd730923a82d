"""Tiles on the ground: which of them share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from ...contract.events import Report, stop_if_cancelled
from ..grid import Grid
from .footprints import outlines_of

OVERLAP_INSET_PX = 0.1
NO_PARTNER = -1
NO_SET = -1
_TILES_AT_ONCE = 2000


@dataclass(frozen=True)
class Ground:
    """N tiles laid out so that shapes that meet share ground, whatever their planes and pixel sizes.

    Attributes:
        points: Corners of the footprints (P, 2) in pixels of the dataset, different planes side by side.
        of_tile: Of which tile each is (P,).
        bounds: Left, top, right and bottom of the footprints, in the same unit (N, 4).
        insets: The footprints smaller by `_inset`, so that neighbours do not touch (N,).
        pixels: Side of each tile's own pixels, in the same unit (N,).
    """

    points: NDArray[np.float64]
    of_tile: NDArray[np.int64]
    bounds: NDArray[np.float64]
    insets: NDArray[Any]
    pixels: NDArray[np.float64]

    @classmethod
    def of(
        cls, outlines: tuple[NDArray[np.float64], NDArray[np.int64]], planes: NDArray[np.int64],
        sizes: NDArray[np.int64], *, pixel_size: tuple[float, float] = (1.0, 1.0), gap: float = 0.0,
    ) -> Ground:  # fmt: skip
        """Lay out tiles.

        Args:
            outlines: Corners of the footprints (P, 2) in map units and of which tile each is (P,), tile by tile; the
                first corner may stand at the end again.
            planes: For each tile a number (N,) as `number_planes` gives it.
            sizes: Heights and widths of the tiles in pixels (N, 2).
            pixel_size: Width and height of a pixel of the dataset in map units; by default map units remain.
            gap: How far apart planes lie at least, in pixels.
        """
        points, of_tile = outlines
        points = _lay_apart(points / pixel_size, of_tile, planes, gap)
        bounds = _bounds(points, of_tile)
        insets = _polygons(_inset(points, of_tile, bounds, sizes), of_tile)
        # As large as the footprints, but for the rounding.
        areas = shapely.area(insets) / _shrinking(sizes) ** 2
        return cls(points, of_tile, bounds, insets, np.sqrt(areas / sizes.prod(axis=1)))

    def __len__(self) -> int:
        return len(self.bounds)

    def shapes(self) -> NDArray[Any]:
        """Return the footprints (N,), which take more memory than all the rest."""
        return _polygons(self.points, self.of_tile)


def inset(polygons: NDArray[Any], sizes: NDArray[np.int64]) -> NDArray[Any]:
    """Return footprints (N,) smaller by OVERLAP_INSET_PX of their own pixels on each side.

    Of tiles that are no squares the shorter sides lose less, so that no shared ground is lost either.

    Args:
        polygons: The footprints, in any unit.
        sizes: Heights and widths of the tiles in pixels (N, 2).
    """
    points, of_tile = outlines_of(polygons)
    return _polygons(_inset(points, of_tile, shapely.bounds(polygons), sizes), of_tile)


def _inset(
    points: NDArray[np.float64], of_tile: NDArray[np.int64], bounds: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    return centres[of_tile] + (points - centres[of_tile]) * _shrinking(sizes)[of_tile, None]


def _shrinking(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by which factor tiles (N,) become smaller."""
    return np.asarray(1 - 2 * OVERLAP_INSET_PX / sizes.max(axis=1))


def _bounds(points: NDArray[np.float64], of_tile: NDArray[np.int64]) -> NDArray[np.float64]:
    starts = np.flatnonzero(np.diff(of_tile, prepend=-1))
    return np.hstack([np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)])


def _polygons(points: NDArray[np.float64], of_tile: NDArray[np.int64]) -> NDArray[Any]:
    return np.asarray(shapely.polygons(shapely.linearrings(points, indices=of_tile)))


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
    points: NDArray[np.float64], of_tile: NDArray[np.int64], planes: NDArray[np.int64], gap: float
) -> NDArray[np.float64]:
    """Return the corners (P, 2) with different planes side by side so that they never meet."""
    numbers = np.unique(planes, return_inverse=True)[1]
    of_point = numbers[of_tile]
    left, right = np.full(numbers.max() + 1, np.inf), np.full(numbers.max() + 1, -np.inf)
    np.minimum.at(left, of_point, points[:, 0])
    np.maximum.at(right, of_point, points[:, 0])
    starts = np.concatenate([[0], np.cumsum(right - left + gap + 1)[:-1]])
    return np.column_stack([points[:, 0] + (starts - left)[of_point], points[:, 1]])
