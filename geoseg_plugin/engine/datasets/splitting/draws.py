"""Drawing which groups of tiles, such as blocks of ground, are for which set, and judging a draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..dataset import TEST, TRAIN, VALIDATION, Split
from ..ground import Ground
from .blocks import gather

DRAWS = 400
_HELD_OUT = (VALIDATION, TEST)  # a set's number is its place here and 1; training has 0
_MISSING_CLASS = 0.25


@dataclass(frozen=True)
class Judge:
    """What draws are judged by.

    Attributes:
        groups: The group of every tile (N,), numbered from 0.
        near: Which tile (N) has its ground in, or too close to, which other group (G).
        counts: Pixels of each class in every tile (N, K), without columns where classes do not matter.
        shares: Share of tiles wanted for validation and test, 0 to 1 (2,).
    """

    groups: NDArray[np.int64]
    near: csr_array
    counts: NDArray[np.float64]
    shares: NDArray[np.float64]

    def fault(self, sets: NDArray[np.int64]) -> float | None:
        """Return how far a draw is from what is wanted, the set of every group (G,) given; None where a set is empty.

        It adds up how far the sets are from their shares of tiles, and from the class shares of training, how many
        tiles are lost, and which sets lack a class.
        """
        of_tile = sets[self.groups]
        touching = self.near @ (sets[:, None] == (1, 2)).astype(np.float32) > 0
        lost = ((of_tile == 0) & touching.any(axis=1)) | ((of_tile == 1) & touching[:, 1])
        of_tile[lost] = -1
        member = (of_tile[None] == [[0], [1], [2]]).astype(np.float64)
        sizes = member.sum(axis=1)
        asked = self.shares > 0
        if sizes[0] == 0 or (sizes[1:][asked] == 0).any():
            return None
        fault = float(np.abs(sizes[1:] / sizes.sum() - self.shares)[asked].sum()) + float(lost.mean())
        return fault + self._fault_of_classes(member @ self.counts, asked)

    def _fault_of_classes(self, pixels: NDArray[np.float64], asked: NDArray[np.bool_]) -> float:
        present = self.counts.sum(axis=0) > 0
        train, *held_out = pixels / np.maximum(1, pixels.sum(axis=1, keepdims=True))
        differing = sum(np.abs(one - train).sum() for one, is_asked in zip(held_out, asked, strict=True) if is_asked)
        missing = (pixels[np.concatenate([[True], asked])][:, present] == 0).sum()
        return 0.25 * float(differing) + _MISSING_CLASS * float(missing)


def find_near_groups(ground: Ground, groups: NDArray[np.int64], buffer: float) -> csr_array:
    """Return which tile (N) has its ground in another group (G), or nearer to it than the buffer, in pixels."""
    hulls = shapely.convex_hull(gather(ground.insets, groups))
    tree = shapely.STRtree(ground.insets)
    if buffer > 0:
        group, tile = tree.query(hulls, predicate="dwithin", distance=buffer)
    else:
        group, tile = tree.query(hulls, predicate="intersects")
    other = groups[tile] != group
    shape = (len(groups), len(hulls))
    return csr_array((np.ones(int(other.sum()), dtype=np.float32), (tile[other], group[other])), shape=shape)


def draw_sets(
    groups: NDArray[np.int64], places: NDArray[np.float64], shares: NDArray[np.float64], seed: int
) -> Iterator[NDArray[np.int64]]:
    """Yield draws: the set of every group (G,), 0 for training, 1 for validation, 2 for test.

    In turn they are scattered groups, and groups around one place for each set, which lose fewer tiles.

    Args:
        groups: The group of every tile (N,), numbered from 0.
        places: Middle of every tile (N, 2).
        shares: Share of tiles wanted for validation and test, 0 to 1 (2,).
        seed: Another number makes other draws.
    """
    rng = np.random.default_rng(seed)
    sizes = np.bincount(groups)
    centres = np.stack([np.bincount(groups, places[:, axis]) / sizes for axis in (0, 1)], axis=1)
    for number in range(DRAWS):
        sets = np.zeros(len(sizes), dtype=np.int64)
        for one in (2, 1):
            if shares[one - 1] > 0 and (sets == 0).any():
                order = rng.permutation(np.flatnonzero(sets == 0))
                if number % 2:
                    distance = np.hypot(*(centres[order] - centres[order[0]]).T)
                    order = order[np.argsort(distance * rng.uniform(0.8, 1.2, len(order)), kind="stable")]
                missing = np.abs(np.cumsum(sizes[order]) - shares[one - 1] * len(places))
                sets[order[: int(np.argmin(missing)) + 1]] = one
        yield sets


def name_sets(sets: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the names of sets given by numbers (N,)."""
    return np.array([TRAIN, *_HELD_OUT], dtype=object)[sets]


def shares_of(wanted: Mapping[Split, float]) -> NDArray[np.float64]:
    """Return the shares for validation and test (2,), 0 to 1, from percentages."""
    return np.array([wanted.get(name, 0.0) / 100 for name in _HELD_OUT])
