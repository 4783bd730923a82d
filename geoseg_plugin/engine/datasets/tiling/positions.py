"""Where tiles lie on a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import RequestError
from ....contract.stages.datasets import DROP, SHIFT, SHRINK

_TRIES = 20
_MOST_SPARE = 1_000_000
_MOST_TILES = 5_000_000


def tile_offsets(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Return the offsets of tiles of constant size along one side of a raster.

    The tiles cover the side, stay inside it, and share at least `overlap` pixels, spread evenly.

    Args:
        length: Pixels along the side.
        tile: Pixels of a tile along that side.
        overlap: Smallest overlap of neighbours, less than `tile`.

    Returns:
        Ascending offsets, the first 0; a single 0 where the side is not longer than a tile.

    Source: the "const size" tiling of the package tiling (vfdev-5), here with the smallest number of tiles.
    """
    if length <= tile:
        return (0,)
    steps = math.ceil((length - tile) / (tile - overlap))
    return tuple(round(number * (length - tile) / steps) for number in range(steps + 1))


def stride_offsets(length: int, tile: int, stride: int) -> tuple[int, ...]:
    """Return the offsets of tiles that lie `stride` apart along one side of a raster, in pixels.

    They reach the end of the side, or over it; only where `stride` is larger than `tile` is something left out.

    Source: the "const stride" tiling of the package tiling (vfdev-5), with origin 0.
    """
    count = max(math.ceil(1 + (length - max(tile, stride)) / stride), 1)
    return tuple(range(0, count * stride, stride))


def cross(rows: Sequence[int], cols: Sequence[int], size: int) -> NDArray[np.int64]:
    """Return places (N, 4) of square tiles at all crossings of rows and columns, row by row.

    Raises:
        RequestError: They are too many.
    """
    check_count(len(rows) * len(cols))
    return squares(np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2), size)


def squares(corners: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return places (N, 4: row, column, height, width) of square tiles for their first rows and columns (N, 2)."""
    return np.column_stack([corners, np.full_like(corners, size)]).astype(np.int64)


def random_places(height: int, width: int, size: int, count: int, seed: Sequence[int]) -> NDArray[np.int64]:
    """Draw places of tiles inside a raster, no two alike, each of all possible ones with the same chance.

    Args:
        height: Rows of the raster.
        width: Columns of the raster.
        size: Side of the tiles; along a shorter side of the raster they begin at 0.
        count: How many tiles are wanted.
        seed: What chance starts from.

    Returns:
        Places (N, 4) in the order in which they are to be tried: N is 20 times `count`, since some may be of no use,
        but at most a million more, and never more than there are.
    """
    random = np.random.default_rng(seed)
    cols = max(width - size, 0) + 1
    total = (max(height - size, 0) + 1) * cols
    tried = min(count * _TRIES, count + _MOST_SPARE, total)
    if total < 2 * tried:
        drawn = random.permutation(total)[:tried]
    else:
        drawn = np.empty(0, dtype=np.int64)
        while len(drawn) < tried:
            more = np.concatenate([drawn, random.integers(total, size=tried)])
            drawn = more[np.sort(np.unique(more, return_index=True)[1])][:tried]
    return squares(np.column_stack(np.divmod(drawn, cols)), size)


def settle(places: NDArray[np.int64], height: int, width: int, edges: str) -> NDArray[np.int64]:
    """Return what becomes of tiles, all of which have some pixel on a raster, where they reach over its edge.

    Args:
        places: Row, column, height and width of the tiles in pixels (N, 4).
        height: Rows of the raster.
        width: Columns of the raster.
        edges: One of EDGES. Tiles that are larger than the raster reach over its edge also where they are shifted
            inward, from its first row and column on.

    Returns:
        Places (M, 4); tiles that come to lie on another one are there once. Those that shrink to one corner become
        one that covers them, since corners name tiles.
    """
    corners, sizes = places[:, :2], places[:, 2:]
    whole = np.array([height, width])
    inside = ((corners >= 0) & (corners + sizes <= whole)).all(axis=1)
    if inside.all():
        return places
    if edges == SHIFT:
        return _once(np.column_stack([np.clip(corners, 0, np.maximum(whole - sizes, 0)), sizes]))
    if edges == SHRINK:
        start, end = np.maximum(corners, 0), np.minimum(corners + sizes, whole)
        return _join(start, end - start)
    if edges == DROP:
        return places[inside]
    return places


def _once(places: NDArray[np.int64]) -> NDArray[np.int64]:
    return places[np.sort(np.unique(places, axis=0, return_index=True)[1])]


def _join(corners: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, of_place = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    largest = np.zeros((len(first), 2), dtype=np.int64)
    np.maximum.at(largest, of_place.ravel(), sizes)
    return np.column_stack([corners[first], largest])[np.argsort(first)]


def check_count(tiles: int) -> None:
    """Check that so many tiles can be meant.

    Raises:
        RequestError: They are too many.
    """
    if tiles > _MOST_TILES:
        raise RequestError(
            f"One image would be cut into {tiles:,} tiles, of which there can be {_MOST_TILES:,}.",
            "Give a larger TILE_SIZE, STRIDE or PIXEL_SIZE, or less OVERLAP.",
        )
