"""Blocks of ground, whose tiles stay together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..ground import Ground

_BLOCK_TILES = (8, 4, 2, 1)


@dataclass(frozen=True)
class Blocks:
    """Which block every tile lies in (N,), how many blocks there are, and their side in pixels."""

    of_tile: NDArray[np.int64]
    count: int
    size: int


def choose_block_size(shapes: Sequence[tuple[float, float]], tile: int, share: float) -> int:
    """Return the side of blocks in pixels: as large as gives enough of them to set a share aside.

    Args:
        shapes: Height and width of the pieces of ground in pixels.
        tile: Side of a tile in pixels.
        share: The smallest share of tiles wanted, in percent, above 0.
    """
    wanted = math.ceil(100 / share)
    for tiles in _BLOCK_TILES:
        size = tiles * tile
        if sum(_parts(height, size) * _parts(width, size) for height, width in shapes) >= wanted:
            return size
    return tile


def lay_blocks(ground: Ground, scenes: NDArray[Any], *, tile_size: int, size: int, share: float) -> Blocks:
    """Lay blocks over the ground and tell which tile is in which, by the middle of the tile.

    Scenes that share ground share their blocks, which are equal and as near to the size, in the largest pixels of
    these scenes, as their ground allows.

    Args:
        ground: The tiles (N), in pixels.
        scenes: The scene of every tile (N,).
        tile_size: Side of a tile in pixels.
        size: Side of the blocks in pixels; 0 chooses with `choose_block_size`.
        share: For that the smallest share of tiles wanted, in percent.
    """
    groups = group_scenes(ground, scenes)
    bounds = ground.bounds
    low, high = np.full((groups.max() + 1, 2), np.inf), np.full((groups.max() + 1, 2), -np.inf)
    np.minimum.at(low, groups, bounds[:, :2])
    np.maximum.at(high, groups, bounds[:, 2:])
    sides, pixels = high - low, np.zeros(len(low))
    np.maximum.at(pixels, groups, ground.pixels)
    lengths = (sides / pixels[:, None]).round(3).tolist()
    side = size or choose_block_size([(height, width) for width, height in lengths], tile_size, share)
    parts = np.array([[_parts(width, side), _parts(height, side)] for width, height in lengths])
    first = np.concatenate([[0], np.cumsum(parts.prod(axis=1))])
    middles = (bounds[:, :2] + bounds[:, 2:]) / 2
    cells = np.floor((middles - low[groups]) / sides[groups] * parts[groups]).astype(np.int64)
    cells = np.minimum(cells, parts[groups] - 1)
    used, of_tile = np.unique(first[groups] + cells[:, 1] * parts[groups, 0] + cells[:, 0], return_inverse=True)
    return Blocks(of_tile, len(used), side)


def group_scenes(ground: Ground, scenes: NDArray[Any]) -> NDArray[np.int64]:
    """Number the tiles (N,) so that those of scenes that share ground have the same number, from 0."""
    names, of_tile = np.unique(scenes.astype(str), return_inverse=True)
    areas = shapely.convex_hull(gather(ground.insets, of_tile))
    one, other = shapely.STRtree(areas).query(areas, predicate="intersects")
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(names), len(names)))
    return np.asarray(connected_components(links, directed=False)[1][of_tile], dtype=np.int64)


def gather(polygons: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return the corners of all polygons (N,) of each number (N,), from 0 without gaps, as one line each."""
    order = np.argsort(numbers, kind="stable")
    points, of_tile = shapely.get_coordinates(polygons[order], return_index=True)
    return np.asarray(shapely.linestrings(points, indices=numbers[order][of_tile]))


def _parts(length: float, size: int) -> int:
    return max(1, round(length / size))
