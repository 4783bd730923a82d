"""What became of all tiles, in columns that grow with numbers, not with objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset import TRAIN
from ..measuring import Measures
from ..tile_table import TileTable
from .filters import Outcome
from .sheet import Sheet


class Outcomes:
    """What became of the tiles of all sheets, numbered through.

    Args:
        sheets: The sheets.
        bands: Number of bands.
        classes: Number of classes.
    """

    def __init__(self, sheets: Sequence[Sheet], bands: int, classes: int) -> None:
        count = sum(map(len, sheets))
        self.sheets = sheets
        self.of_tile = np.zeros(count, dtype=np.uint8)
        self._valid = np.zeros(count, dtype=np.int64)
        self._counts = np.zeros((count, classes), dtype=np.int64)
        self._statistics = np.zeros((4, count, bands))

    def put(self, tile: int, outcome: Outcome, measures: Measures) -> None:
        """Take down what became of a tile, given its number."""
        self.of_tile[tile] = outcome
        self._valid[tile] = measures.valid
        self._counts[tile] = measures.counts
        self._statistics[:, tile] = measures.minimum, measures.maximum, measures.mean, measures.std

    def table(self) -> TileTable:
        """Return the tiles kept, all of them for training."""
        parts = list(self.kept())
        kept = np.flatnonzero(self.of_tile == Outcome.KEPT)
        ids = [sheet.names[number] for sheet, own in parts for number in own.tolist()]
        scenes = [sheet.scene.name for sheet, own in parts for _ in range(len(own))]
        rows, cols, heights, widths = np.concatenate([sheet.places[own] for sheet, own in parts]).T
        minimum, maximum, mean, std = self._statistics[:, kept]
        return TileTable(
            np.array(ids, dtype=object), np.array(scenes, dtype=object), np.full(len(kept), TRAIN, dtype=object), rows,
            cols, heights, widths, self._valid[kept], self._counts[kept], minimum, maximum, mean, std,
        )  # fmt: skip

    def kept(self) -> Iterator[tuple[Sheet, NDArray[np.int64]]]:
        """Yield every sheet with the numbers of those of its tiles that are kept."""
        ends = np.cumsum([len(sheet) for sheet in self.sheets])
        for sheet, end in zip(self.sheets, ends.tolist(), strict=True):
            yield sheet, np.flatnonzero(self.of_tile[end - len(sheet) : end] == Outcome.KEPT)
