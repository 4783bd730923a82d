"""Keeping the tiles of different sets apart on the ground."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ....contract.events import Report, stop_if_cancelled
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION
from ..ground import Ground

_GIVES_WAY_LAST = (TEST, VALIDATION, TRAIN)
_SAME_WITHIN_PX = 1e-4
_TILES_AT_ONCE = 10_000
_NEIGHBOURS_AT_ONCE = 1000


def leave_out(splits: NDArray[np.object_], ground: Ground, buffer: float) -> NDArray[np.object_]:
    """Return the splits (N,) with those tiles unused that share ground with another set or come too close to it.

    Training tiles give way to validation tiles, and both to test tiles.

    Args:
        splits: The split of every tile.
        ground: The tiles (N), in pixels.
        buffer: Least distance between tiles of different sets, in pixels.
    """
    kept = splits.copy()
    shapes = _shapes(ground, buffer)
    for number, name in enumerate(_GIVES_WAY_LAST[1:], start=1):
        mine = np.flatnonzero(kept == name)
        others = np.isin(kept, _GIVES_WAY_LAST[:number])
        kept[mine[_are_near(shapes[mine], shapes[others], buffer)]] = UNUSED
    return kept


def find_neighbours(
    ground: Ground, order: NDArray[np.int64], buffer: float, report: Report
) -> Iterator[NDArray[np.int64]]:
    """Yield for each tile, in this order, which tiles share ground with it or are nearer than the buffer, itself too.

    Raises:
        Cancelled: The user has asked to stop.
    """
    shapes = _shapes(ground, buffer)
    tree = shapely.STRtree(shapes)
    for start in range(0, len(order), _NEIGHBOURS_AT_ONCE):
        stop_if_cancelled(report)
        some = order[start : start + _NEIGHBOURS_AT_ONCE]
        if buffer > _SAME_WITHIN_PX:
            at, near = tree.query(shapes[some], predicate="dwithin", distance=buffer - _SAME_WITHIN_PX)
        else:
            at, near = tree.query(shapes[some], predicate="intersects")
        by_tile = np.argsort(at, kind="stable")
        yield from np.split(near[by_tile], np.searchsorted(at[by_tile], np.arange(1, len(some))))


def _shapes(ground: Ground, buffer: float) -> NDArray[Any]:
    return ground.shapes() if buffer > _SAME_WITHIN_PX else ground.insets


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
