"""Setting whole blocks of ground aside for validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError

_DRAWS = 400
_BLOCK_TILES = (8, 4, 2, 1)
_MISSING_CLASS = 0.25


@dataclass(frozen=True)
class Blocks:
    """Which block every tile lies in (N,), and how many blocks there are."""

    of_tile: NDArray[np.int64]
    count: int


@dataclass(frozen=True)
class SplitTiles:
    """The outcome for every tile (N,): whether it is in validation, and whether it is left out for touching it."""

    validation: NDArray[np.bool_]
    lost: NDArray[np.bool_]

    @property
    def train(self) -> NDArray[np.bool_]:
        """Whether a tile is for training (N,)."""
        return ~(self.validation | self.lost)


def choose_block_size(shapes: Sequence[tuple[int, int]], tile: int, share: float) -> int:
    """Return the side of blocks in pixels: as large as gives enough of them to set a share aside.

    Args:
        shapes: Height and width of the scenes in pixels.
        tile: Side of a tile in pixels.
        share: Share of tiles wanted for validation, in percent, above 0.
    """
    wanted = math.ceil(100 / share)
    for tiles in _BLOCK_TILES:
        size = tiles * tile
        if sum(_parts(height, size) * _parts(width, size) for height, width in shapes) >= wanted:
            return size
    return tile


def assign_blocks(
    scenes: NDArray[np.int64], centres: NDArray[np.float64], shapes: Sequence[tuple[int, int]], size: int
) -> Blocks:
    """Lay blocks of about `size` pixels, equal within a scene, over every scene and tell which tile is in which.

    Args:
        scenes: Index of the scene of every tile (N,).
        centres: Row and column of every tile's centre in its scene (N, 2), in pixels.
        shapes: Height and width of the scenes in pixels.
        size: Side of the blocks in pixels.
    """
    parts = np.array([(_parts(height, size), _parts(width, size)) for height, width in shapes])
    first = np.concatenate([[0], np.cumsum(parts.prod(axis=1))])
    cells = np.floor(centres / np.array(shapes)[scenes] * parts[scenes]).astype(np.int64)
    cells = np.minimum(cells, parts[scenes] - 1)
    return Blocks(first[scenes] + cells[:, 0] * parts[scenes, 1] + cells[:, 1], int(first[-1]))


def split_tiles(
    blocks: Blocks,
    places: NDArray[np.float64],
    counts: NDArray[np.int64],
    pairs: NDArray[np.int64],
    *,
    share: float,
    seed: int,
) -> SplitTiles:
    """Choose the blocks that validate.

    Of many draws it takes the one that comes closest to the wanted share of tiles and to the class shares of all
    tiles, loses the fewest training tiles, and has every class in both sets.

    Args:
        blocks: The block of every tile.
        places: Centre of every tile on the ground (N, 2).
        counts: Pixels of each class in every tile (N, K).
        pairs: Tiles that share ground (P, 2).
        share: Share of tiles wanted for validation, in percent; 0 sets none aside.
        seed: Another number chooses other blocks.

    Raises:
        InputError: No draw leaves tiles in both sets.
    """
    none = np.zeros(len(blocks.of_tile), dtype=np.bool_)
    if share == 0:
        return SplitTiles(none, none)
    best, least = None, math.inf
    for validation in _draw(blocks, places, share / 100, np.random.default_rng(seed)):
        candidate = SplitTiles(validation, _lost(validation, pairs))
        if candidate.validation.any() and candidate.train.any():
            fault = _fault(candidate, counts, share / 100)
            if fault < least:
                best, least = candidate, fault
    if best is None:
        raise InputError(
            f"The {len(none)} tiles cannot be split into training and validation without sharing ground.",
            "Give larger or more images, a smaller TILE_SIZE, OVERLAP or BLOCK_SIZE, lower VALIDATION, or set it to 0.",
        )
    return best


def _parts(length: int, size: int) -> int:
    return max(1, round(length / size))


def _draw(
    blocks: Blocks, places: NDArray[np.float64], share: float, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """Yield candidates (N,), in turn scattered blocks and blocks around one place, which lose fewer tiles."""
    used, position, sizes = np.unique(blocks.of_tile, return_inverse=True, return_counts=True)
    centres = np.stack([np.bincount(position, places[:, axis]) / sizes for axis in (0, 1)], axis=1)
    wanted = share * len(places)
    for number in range(_DRAWS):
        order = rng.permutation(len(used))
        if number % 2:
            distance = np.hypot(*(centres - centres[order[0]]).T)
            order = np.argsort(distance * rng.uniform(0.8, 1.2, len(used)))
        total = np.cumsum(sizes[order])
        taken = int(np.argmin(np.abs(total - wanted))) + 1
        chosen = np.zeros(len(used), dtype=np.bool_)
        chosen[order[:taken]] = True
        yield chosen[position]


def _lost(validation: NDArray[np.bool_], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    lost = np.zeros_like(validation)
    one, other = pairs[:, 0], pairs[:, 1]
    lost[one[validation[other]]] = True
    lost[other[validation[one]]] = True
    return lost & ~validation


def _fault(candidate: SplitTiles, counts: NDArray[np.int64], share: float) -> float:
    validation, train = counts[candidate.validation].sum(axis=0), counts[candidate.train].sum(axis=0)
    present = counts.sum(axis=0) > 0
    missing = int((present & (validation == 0)).sum() + (present & (train == 0)).sum())
    differing = 0.5 * float(np.abs(validation / validation.sum() - train / train.sum()).sum())
    kept = candidate.validation.sum() / (candidate.validation.sum() + candidate.train.sum())
    return abs(float(kept) - share) + 0.5 * differing + float(candidate.lost.mean()) + _MISSING_CLASS * missing
