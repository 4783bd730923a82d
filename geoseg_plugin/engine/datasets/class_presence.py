"""Which classes the tiles of a dataset, or of one of its sets, lack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...contract.classes import ClassTable
from ...contract.quoting import quote_names
from .dataset import TRAIN, VALIDATION

ALL_TILES = "all"


def missing_classes(classes: ClassTable, counts: NDArray[np.int64], splits: NDArray[Any]) -> dict[str, str]:
    """Return names of classes in quotes: under ALL_TILES those of no tile, under a set those of other tiles only.

    Args:
        classes: The K classes.
        counts: Pixels of each class in each tile (N, K).
        splits: The set of each tile (N,). Sets are TRAIN and VALIDATION; one without tiles lacks nothing.
    """
    present = counts.sum(axis=0) > 0
    missing = {ALL_TILES: ~present}
    for split in (TRAIN, VALIDATION):
        chosen = splits == split
        if chosen.any():
            missing[split] = present & (counts[chosen].sum(axis=0) == 0)
    return {split: _quote(classes, which) for split, which in missing.items() if which.any()}


def _quote(classes: ClassTable, which: NDArray[np.bool_]) -> str:
    return quote_names(classes.names[number] for number in np.flatnonzero(which))
