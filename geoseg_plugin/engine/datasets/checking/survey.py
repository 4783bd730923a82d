"""All tiles of a dataset, each read once: the table that findings are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import LARGEST_VALUE, ClassTable
from ....contract.events import Report, stop_if_cancelled
from ..ahead import map_ahead
from .facts import ImageFacts, LabelFacts, TileFacts
from .pairs import Pair, Pairs, class_name
from .reading import look_at

MOST_CLASSES = 100


@dataclass(frozen=True)
class Survey:
    """The tiles of a dataset and what each is like.

    Attributes:
        pairs: What is checked.
        tiles: The tiles looked at, which may be some of all.
    """

    pairs: Pairs
    tiles: tuple[TileFacts, ...]

    @cached_property
    def images(self) -> tuple[tuple[Pair, ImageFacts], ...]:
        """The tiles whose files can be read."""
        return tuple((tile.pair, tile.image) for tile in self.tiles if tile.image is not None)

    @cached_property
    def labels(self) -> tuple[tuple[Pair, LabelFacts], ...]:
        """The tiles with a label whose files can be read."""
        return tuple((tile.pair, tile.label) for tile in self.tiles if tile.label is not None)

    @cached_property
    def alike(self) -> tuple[tuple[Pair, ImageFacts], ...]:
        """The tiles with data that have as many bands as most: those whose bands can be compared."""
        return tuple((pair, one) for pair, one in self.images if len(one.mean) == self.band_count and one.valid)

    @cached_property
    def band_count(self) -> int:
        """Number of bands that dataset.json states or, without it, that most tiles have."""
        counts = [len(one.mean) for _, one in self.images]
        return len(self.pairs.bands) or (max(set(counts), key=counts.count) if counts else 0)

    @cached_property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands: those of dataset.json, else of the first tile that names them, else numbers."""
        named = (one.names for _, one in self.alike if all(one.names))
        return self.pairs.bands or next(named, tuple(f"band {band + 1}" for band in range(self.band_count)))

    @cached_property
    def values(self) -> dict[float, int]:
        """Pixels of each label value, of all tiles together."""
        total: dict[float, int] = {}
        for _, label in self.labels:
            for value, count in label.values.items():
                total[value] = total.get(value, 0) + count
        return total

    @cached_property
    def classes(self) -> ClassTable:
        """The classes; where they are not known, one for each value that occurs and can be a class, up to a limit."""
        if self.pairs.classes is not None:
            return self.pairs.classes
        possible = [int(value) for value in self.values if value.is_integer() and 0 <= value <= LARGEST_VALUE]
        found = sorted(possible, key=lambda value: -self.values[value])[:MOST_CLASSES]
        return ClassTable.named({value: class_name(value) for value in found})

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Pixels of each class in each tile with a label (N, K), in the order of `labels`."""
        rows = [[label.values.get(float(value), 0) for value in self.classes.values] for _, label in self.labels]
        return np.array(rows, dtype=np.int64).reshape(len(self.labels), len(self.classes))

    def chosen(self, *splits: str) -> NDArray[np.bool_]:
        """Return which tiles with a label are in one of these splits (N,); all of them where there are no splits."""
        return np.array([pair.split in (*splits, None) for pair, _ in self.labels], dtype=np.bool_)


def survey_tiles(pairs: Pairs, report: Report, tiles: Sequence[Pair] | None = None) -> Survey:
    """Read tiles, all by default, in a few threads.

    Raises:
        Cancelled: The user has asked to stop.
    """
    wanted = pairs.pairs if tiles is None else tuple(tiles)
    look = partial(look_at, ignore_value=pairs.ignore_value) if pairs.source is None else pairs.source.look_at
    found = []
    for number, facts in enumerate(map_ahead(look, wanted)):
        stop_if_cancelled(report)
        found.append(facts)
        report.progress((number + 1) / len(wanted), "Looking at tiles")
    return Survey(pairs, tuple(found))
