"""Tiles of a dataset in memory: read once, kept as they are in the files, ready to be made into batches."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.losses.loss import IGNORE_INDEX
from ...contract.errors import InputError
from ..class_raster import class_indices
from ..datasets.dataset import MAKE_AGAIN, Dataset, Tile
from ..datasets.tile_reading import read_tile_image, read_tile_label
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


class TileStore:
    """Reads tiles, and keeps them while memory lasts. May be used from several threads.

    Args:
        dataset: Where the tiles are from.
        most_bytes: How much may be kept; by default a share of the memory that is free now.
    """

    def __init__(self, dataset: Dataset, most_bytes: int | None = None) -> None:
        self._dataset = dataset
        self._room = int(_SHARE_OF_FREE_MEMORY * free_memory()) if most_bytes is None else most_bytes
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
        image, valid = self._read_image(tile)
        values = read_tile_label(tile, valid.shape)
        classes = self._dataset.classes
        label = class_indices(values, classes, IGNORE_INDEX).astype(np.min_scalar_type(-len(classes)))
        label[(values == self._dataset.ignore_value) | ~valid] = IGNORE_INDEX
        return Sample(self._pad(image, fill=0), self._pad(label, fill=IGNORE_INDEX), self._pad(valid, fill=False))

    def _read_image(self, tile: Tile) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        image, valid = read_tile_image(tile, self._dataset)
        side, (height, width) = self._dataset.tile_size, valid.shape
        if max(height, width) > side:
            raise InputError(
                f"The tile {tile.image} has {width} x {height} pixels, the dataset {side} x {side}.", MAKE_AGAIN
            )
        return image, valid

    def _pad(self, pixels: NDArray[Any], *, fill: float) -> NDArray[Any]:
        """Return pixels (..., H, W) of the tile size, those of a tile cut short at an edge with `fill` around them."""
        side, (height, width) = self._dataset.tile_size, pixels.shape[-2:]
        if (height, width) == (side, side):
            return pixels
        padded = np.full((*pixels.shape[:-2], side, side), fill, dtype=pixels.dtype)
        padded[..., :height, :width] = pixels
        return padded
