"""How many pixels of each class tiles have, as the dataset's layer tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...contract.errors import InputError
from ..datasets.dataset import FOOTPRINTS, MAKE_AGAIN, Dataset, Tile
from ..datasets.placed import place_tiles


def read_class_counts(dataset: Dataset, learned: Sequence[Tile], without: str) -> NDArray[np.int64]:
    """Return the pixels of each class (K) in each training tile (N) as (N, K), from tiles.gpkg.

    Labelled pixels where the image has no data count too, though the network learns nothing from them.

    Args:
        dataset: The dataset.
        learned: Its training tiles, in any order.
        without: The sentence that tells the user how to train without these numbers.

    Raises:
        InputError: The layer cannot be read, or does not tell the numbers of all these tiles.
    """
    path, placed, fix = dataset.folder / FOOTPRINTS, place_tiles(dataset), f"{MAKE_AGAIN} {without}"
    row_of = {name: row for row, name in enumerate(placed.ids)}
    rows = np.array([row_of[tile.id] for tile in learned], dtype=np.int64)
    counts = np.zeros((len(rows), len(dataset.classes)), dtype=np.int64)
    for index, value in enumerate(dataset.classes.values):
        field = f"class_{value}"
        told = placed.fields.get(field)
        if told is None or told.dtype.kind not in "iuf":
            raise InputError(f"{path} has no field {field} with numbers.", fix)
        column = told[rows]
        wrong = np.flatnonzero(~(column >= 0))  # NULL is read as nan
        if len(wrong):
            tile = learned[wrong[0]].id
            raise InputError(f"Tile {tile} in {path} has no number of 0 or more in the field {field}.", fix)
        counts[:, index] = column
    if not counts.any():
        raise InputError(f"{path} tells of no pixel of any class in the training tiles.", fix)
    return counts
