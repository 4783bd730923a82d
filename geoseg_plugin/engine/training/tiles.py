"""Tiles of a dataset in memory: read once, kept as they are in the files, ready to be made into batches."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.losses.loss import IGNORE_INDEX
from ...contract.classes import LARGEST_VALUE, ClassTable
from ..datasets.dataset import Dataset, Tile
from ..datasets.tile_reading import read_tile
from ..memory import free_memory

_SHARE_OF_FREE_MEMORY = 0.4


@dataclass(frozen=True)
class Sample:
    """The pixels of one tile, padded at the right and bottom to the tile size of the dataset.

    Attributes:
        image: (C, H, W) in the dtype of the files.
        label: (H, W) class indices in the smallest dtype; IGNORE_INDEX where there is no label or no data.
        valid: (H, W) pixels with data.
    """

    image: NDArray[Any]
    label: NDArray[np.signedinteger[Any]]
    valid: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.image.nbytes + self.label.nbytes + self.valid.nbytes


def room_for_tiles() -> int:
    """Return how many bytes of pixels may stay in memory: a share of what is free now."""
    return int(_SHARE_OF_FREE_MEMORY * free_memory())


class TileStore:
    """Reads tiles, and keeps them while memory lasts. May be used from several threads.

    Args:
        dataset: Where the tiles are from.
        most_bytes: How much may be kept; by default `room_for_tiles`, and nothing of tiles without files, whose source
            keeps what it has read.
    """

    def __init__(self, dataset: Dataset, most_bytes: int | None = None) -> None:
        self._dataset = dataset
        if most_bytes is None:
            most_bytes = room_for_tiles() if dataset.source is None else 0
        self._room = most_bytes
        self._index_of = _tabulate(dataset.classes, dataset.ignore_value)
        self._kept: dict[str, Sample] = {}
        self._lock = Lock()

    def load(self, tile: Tile) -> Sample:
        """Return the pixels of a tile.

        Raises:
            InputError: A file is damaged, or is not as dataset.json says.
        """
        sample = self._kept.get(tile.id)
        if sample is None:
            sample = self._read(tile)
            with self._lock:
                if tile.id not in self._kept and sample.size <= self._room:
                    self._room -= sample.size
                    self._kept[tile.id] = sample
        return sample

    def _read(self, tile: Tile) -> Sample:
        pixels = read_tile(tile, self._dataset)
        image, valid = pixels.image, pixels.valid
        if pixels.label is None:
            label = np.full(valid.shape, IGNORE_INDEX, dtype=self._index_of.dtype)
        else:
            label = self._index_of[pixels.label]
            label[~valid] = IGNORE_INDEX
        return Sample(self._pad(image, fill=0), self._pad(label, fill=IGNORE_INDEX), self._pad(valid, fill=False))

    def _pad(self, pixels: NDArray[Any], *, fill: float) -> NDArray[Any]:
        """Return pixels (..., H, W) of the tile size, those of a tile cut short at an edge with `fill` around them."""
        side, (height, width) = self._dataset.tile_size, pixels.shape[-2:]
        if (height, width) == (side, side):
            return pixels
        padded = np.full((*pixels.shape[:-2], side, side), fill, dtype=pixels.dtype)
        padded[..., :height, :width] = pixels
        return padded


def _tabulate(classes: ClassTable, ignore_value: int) -> NDArray[np.signedinteger[Any]]:
    """Return the class index of every value that labels can have, IGNORE_INDEX for those that are none."""
    index_of = np.full(LARGEST_VALUE + 2, IGNORE_INDEX, dtype=np.min_scalar_type(-max(1, len(classes))))
    index_of[list(classes.values)] = np.arange(len(classes))
    index_of[ignore_value] = IGNORE_INDEX
    return index_of
