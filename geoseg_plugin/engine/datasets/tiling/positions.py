"""Where tiles lie in a scene."""

from __future__ import annotations

import math


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
