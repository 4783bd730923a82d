"""Batches of tiles as network input, made in the background while the network works."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.catalog import network_side
from ....models.losses.loss import IGNORE_INDEX
from ..datasets.dataset import Tile
from ..processes.processes import ALONE, Processes
from ..scaling import Scaling
from .augmentation.mixing import mix
from .augmentation.variation import UNCHANGED, Variation
from .augmentation.varying import vary
from .tiles import TileStore

_AHEAD = 2
_MIXING = 2**32  # no place of a tile, so that what is drawn for a batch is drawn for no tile


@dataclass(frozen=True)
class Batch:
    """Network input and truth on the CPU, padded at the right and bottom to `network_side`.

    Attributes:
        images: (N, C, H, W) float32.
        labels: (N, H, W) int64 class indices, IGNORE_INDEX where there is no truth.
        places: Where each tile is among those that batches are made of.
        other_labels: Like `labels`, of the tiles that were blended into these; None where none were.
        share: What `labels` count beside `other_labels`, 0 to 1.
        mixed: Whether tiles were mixed with each other.
    """

    images: torch.Tensor
    labels: torch.Tensor
    places: tuple[int, ...]
    other_labels: torch.Tensor | None = None
    share: float = 1.0
    mixed: bool = False

    def part(self, which: slice) -> Batch:
        """Return some of its tiles."""
        others = None if self.other_labels is None else self.other_labels[which]
        return replace(
            self, images=self.images[which], labels=self.labels[which], places=self.places[which], other_labels=others
        )

    def pinned(self) -> Batch:
        """Return it in page-locked memory, from which a GPU takes it faster."""
        others = None if self.other_labels is None else self.other_labels.pin_memory()
        return replace(self, images=self.images.pin_memory(), labels=self.labels.pin_memory(), other_labels=others)


class Batches:
    """Makes batches from tiles; where several processes share the work, the part of this one.

    Args:
        store: Where pixels come from.
        scaling: How pixels become network input.
        size: Tiles per batch, of all processes together; as many for each of them.
        measured_size: Tiles per batch of those that are measured; 0 for as many.
        variation: How tiles are varied that a network learns from.
        pinned: Whether batches are put into page-locked memory.
        threads: How many threads make batches.
        processes: Those that share the work.
    """

    def __init__(
        self,
        store: TileStore,
        scaling: Scaling,
        size: int,
        *,
        measured_size: int = 0,
        variation: Variation = UNCHANGED,
        pinned: bool = False,
        threads: int = 1,
        processes: Processes = ALONE,
    ) -> None:
        self.store = store
        self.scaling = scaling
        self._size = size
        self._measured_size = measured_size or size
        self.variation = variation
        self._pinned = pinned
        self._threads = threads
        self._processes = processes

    def alone(self) -> Batches:
        """Return what makes the same batches, each as a whole, in this process."""
        return Batches(self.store, self.scaling, self._size, variation=self.variation, pinned=self._pinned)

    def count(self, tiles: int) -> int:
        """Return the number of batches for so many tiles."""
        return math.ceil(tiles / self._size)

    def count_rounds(self, tiles: int) -> int:
        """Return how many batches `by_turns` yields for so many tiles; in some processes it is one less."""
        return math.ceil(math.ceil(tiles / self._measured_size) / self._processes.size)

    def drawn(self, tiles: Sequence[Tile], draw: NDArray[np.int64], seed: int, epoch: int) -> Generator[Batch]:
        """Yield tiles as they were drawn, varied, in batches of one size.

        That size is at most the size asked for. Where the tiles do not come out even, a few are taken twice: a last
        batch of a single tile would break networks that normalise over the batch, and each process has as many.

        Of every batch, each process makes its part, the tiles [rank::size], with the chances that these have in one
        process alone; only tiles of one part are mixed with each other.

        Args:
            tiles: The tiles that were drawn from.
            draw: Their places, in the order in which they are to be seen.
            seed: Where chance starts.
            epoch: Varies chance.
        """
        count, (rank, sharing) = self.count(len(draw)), (self._processes.rank, self._processes.size)
        each = min(self._size // sharing, max(2, math.ceil(len(draw) / (count * sharing))))
        order = np.resize(draw, count * each * sharing)

        def make(part: Sequence[int]) -> Batch:
            chances = [np.random.default_rng([seed, epoch, number]) for number in part]
            batch = self._make(tiles, [int(order[number]) for number in part], chances)
            chance = np.random.default_rng([seed, epoch, _MIXING + part[0] - rank])
            return replace(batch, **vars(mix(batch.images, batch.labels, self.variation, chance)))

        return self._ahead(make, np.arange(len(order)).reshape(count, -1)[:, rank::sharing].tolist())

    def in_order(self, tiles: Sequence[Tile]) -> Generator[Batch]:
        """Yield all tiles once in their order, as they are; the last batch may be smaller."""
        return self._in_order(tiles, slice(None))

    def by_turns(self, tiles: Sequence[Tile]) -> Generator[Batch]:
        """Yield those batches of `in_order` of which it is the turn of this process."""
        return self._in_order(tiles, slice(self._processes.rank, None, self._processes.size))

    def _in_order(self, tiles: Sequence[Tile], which: slice) -> Generator[Batch]:
        def make(part: Sequence[int]) -> Batch:
            return self._make(tiles, part, None)

        places, size = list(range(len(tiles))), self._measured_size
        parts = [places[start : start + size] for start in range(0, len(tiles), size)]
        return self._ahead(make, parts[which])

    def _make(
        self, tiles: Sequence[Tile], places: Sequence[int], chances: Sequence[np.random.Generator] | None
    ) -> Batch:
        pairs = [self._pixels(tiles[place], None if chances is None else chances[n]) for n, place in enumerate(places)]
        bands, height, width = pairs[0][0].shape
        shape = (len(pairs), network_side(height), network_side(width))
        images = np.zeros((shape[0], bands, *shape[1:]), dtype=np.float32)
        labels = np.full(shape, IGNORE_INDEX, dtype=np.int64)
        for number, (image, label) in enumerate(pairs):
            images[number, :, :height, :width] = image
            labels[number, :height, :width] = label
        return Batch(torch.from_numpy(images), torch.from_numpy(labels), tuple(places))

    def _pixels(
        self, tile: Tile, chance: np.random.Generator | None
    ) -> tuple[NDArray[np.float32], NDArray[np.signedinteger]]:
        sample = self.store.load(tile)
        image = self.scaling.apply(sample.image, sample.valid)
        if chance is None:
            return image, sample.label
        return vary(image, sample.label, sample.valid, self.variation, chance)

    def _ahead(self, make: Callable[[Sequence[int]], Batch], parts: Sequence[Sequence[int]]) -> Generator[Batch]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="tiles")
        pending: deque[Future[Batch]] = deque()

        def work(part: Sequence[int]) -> Batch:
            batch = make(part)
            return batch.pinned() if self._pinned else batch

        try:
            for part in parts:
                pending.append(pool.submit(work, part))
                if len(pending) > _AHEAD + self._threads - 1:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def grouped(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Yield batches by groups of one step; the last may be smaller."""
    coming = iter(batches)
    while group := list(islice(coming, size)):
        yield group
