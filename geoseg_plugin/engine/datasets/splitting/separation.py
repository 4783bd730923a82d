"""Keeping the tiles of different sets apart on the ground."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..dataset import TEST, TRAIN, UNUSED, VALIDATION
from ..ground import OVERLAP_INSET_PX

_GIVES_WAY_LAST = (TEST, VALIDATION, TRAIN)
_SAME_WITHIN_PX = 1e-4
_TILES_AT_ONCE = 10_000


def lay_in_pixels(
    polygons: NDArray[Any], planes: NDArray[np.int64], pixel_size: tuple[float, float], gap: float = 0.0
) -> NDArray[Any]:
    """Return footprints (N,) in pixels, with different planes side by side so that they never meet.

    Args:
        polygons: Footprints (N,) in map units.
        planes: For each a number (N,); what lies in different planes shares no ground.
        pixel_size: Width and height of a pixel in map units.
        gap: How far apart planes lie at least, in pixels.
    """
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


def shrink(polygons: NDArray[Any], pixel_size: tuple[float, float] = (1.0, 1.0)) -> NDArray[Any]:
    """Return footprints (N,) a little smaller, so that neighbours do not touch.

    Args:
        polygons: The footprints.
        pixel_size: Width and height of a pixel in their units; by default they are in pixels.
    """
    bounds = shapely.bounds(polygons)
    centres, sides = (bounds[:, :2] + bounds[:, 2:]) / 2, bounds[:, 2:] - bounds[:, :2]
    factors = np.maximum(0.5, 1 - 2 * OVERLAP_INSET_PX * np.array(pixel_size) / sides)
    points, of_tile = shapely.get_coordinates(polygons, return_index=True)
    moved = centres[of_tile] + (points - centres[of_tile]) * factors[of_tile]
    return np.asarray(shapely.set_coordinates(polygons.copy(), moved))


def leave_out(splits: NDArray[np.object_], polygons: NDArray[Any], buffer: float) -> NDArray[np.object_]:
    """Return the splits (N,) with those tiles unused that share ground with another set or come too close to it.

    Training tiles give way to validation tiles, and both to test tiles.

    Args:
        splits: The split of every tile.
        polygons: Their footprints (N,) as `lay_in_pixels` returns them.
        buffer: Least distance between tiles of different sets, in pixels.
    """
    kept = splits.copy()
    shapes = polygons if buffer > _SAME_WITHIN_PX else shrink(polygons)
    for number, name in enumerate(_GIVES_WAY_LAST[1:], start=1):
        mine = np.flatnonzero(kept == name)
        others = np.isin(kept, _GIVES_WAY_LAST[:number])
        kept[mine[_are_near(shapes[mine], shapes[others], buffer)]] = UNUSED
    return kept


def _are_near(polygons: NDArray[Any], others: NDArray[Any], buffer: float) -> NDArray[np.bool_]:
    """Tell which polygons (N,) intersect one of the others, or are nearer to it than the buffer."""
    near = np.zeros(len(polygons), dtype=np.bool_)
    tree = shapely.STRtree(others)
    for start in range(0, len(polygons), _TILES_AT_ONCE):
        some = polygons[start : start + _TILES_AT_ONCE]
        if buffer > _SAME_WITHIN_PX:
            (found, _), distances = tree.query_nearest(
                some, max_distance=buffer, return_distance=True, all_matches=False
            )
            found = found[distances < buffer - _SAME_WITHIN_PX]
        else:
            found = tree.query(some, predicate="intersects")[0]
        near[start + found] = True
    return near
