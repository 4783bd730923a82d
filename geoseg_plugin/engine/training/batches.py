"""Batches of tiles as network input, made in the background while the network works."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from ....models.catalog import network_side
from ....models.losses.loss import IGNORE_INDEX
from ..datasets.dataset import Tile
from ..scaling import Scaling
from .augmentation.variation import Variation
from .augmentation.varying import vary
from .tiles import TileStore

_AHEAD = 2
_VARIATION = Variation(flips=True, quarter_turns=True, brightness=0.2, contrast=0.2)


@dataclass(frozen=True)
class Batch:
    """Network input and truth on the CPU, padded at the right and bottom to `network_side`.

    Attributes:
        images: (N, C, H, W) float32.
        labels: (N, H, W) int64 class indices, IGNORE_INDEX where there is no truth.
    """

    images: torch.Tensor
    labels: torch.Tensor


class Batches:
    """Makes batches from tiles.

    Args:
        store: Where pixels come from.
        scaling: How pixels become network input.
        size: Tiles per batch.
        pinned: Whether batches are put into page-locked memory, from which a GPU takes them faster.
        threads: How many threads make batches.
    """

    def __init__(
        self, store: TileStore, scaling: Scaling, size: int, *, pinned: bool = False, threads: int = 1
    ) -> None:
        self.store = store
        self._scaling = scaling
        self._size = size
        self._pinned = pinned
        self._threads = threads

    def count(self, tiles: int) -> int:
        """Return the number of batches for so many tiles."""
        return math.ceil(tiles / self._size)

    def shuffled(self, tiles: Sequence[Tile], seed: int, epoch: int, *, augment: bool) -> Generator[Batch]:
        """Yield all tiles in the order of chance, in batches of one size.

        That size is at most the size asked for. Where the tiles do not come out even, a few are taken twice: a last
        batch of a single tile would break networks that normalise over the batch.
        """
        count = self.count(len(tiles))
        size = min(self._size, max(2, math.ceil(len(tiles) / count)))
        order = np.resize(np.random.default_rng([seed, epoch]).permutation(len(tiles)), count * size)

        def make(part: Sequence[int]) -> Batch:
            places = [int(place) for place in part]
            chances = [np.random.default_rng([seed, epoch, place]) for place in places] if augment else None
            return self._make([tiles[order[place]] for place in places], chances)

        return self._ahead(make, np.arange(count * size).reshape(count, size).tolist())

    def in_order(self, tiles: Sequence[Tile]) -> Generator[Batch]:
        """Yield all tiles once in their order, as they are; the last batch may be smaller."""

        def make(part: Sequence[int]) -> Batch:
            return self._make([tiles[place] for place in part], None)

        places = list(range(len(tiles)))
        return self._ahead(make, [places[start : start + self._size] for start in range(0, len(tiles), self._size)])

    def _make(self, tiles: Sequence[Tile], chances: Sequence[np.random.Generator] | None) -> Batch:
        samples = [self.store.load(tile) for tile in tiles]
        bands, height, width = samples[0].image.shape
        shape = (len(samples), network_side(height), network_side(width))
        images = np.zeros((shape[0], bands, *shape[1:]), dtype=np.float32)
        labels = np.full(shape, IGNORE_INDEX, dtype=np.int64)
        for number, sample in enumerate(samples):
            image, label = self._scaling.apply(sample.image, sample.valid), sample.label
            if chances is not None:
                image, label = vary(image, label, sample.valid, _VARIATION, chances[number])
            images[number, :, :height, :width] = image
            labels[number, :height, :width] = label
        batch = Batch(torch.from_numpy(images), torch.from_numpy(labels))
        return Batch(batch.images.pin_memory(), batch.labels.pin_memory()) if self._pinned else batch

    def _ahead(self, make: Callable[[Sequence[int]], Batch], parts: Sequence[Sequence[int]]) -> Generator[Batch]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="tiles")
        pending: deque[Future[Batch]] = deque()
        try:
            for part in parts:
                pending.append(pool.submit(make, part))
                if len(pending) > _AHEAD + self._threads - 1:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
