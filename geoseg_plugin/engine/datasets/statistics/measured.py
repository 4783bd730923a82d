"""Reading every tile of a dataset and measuring it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ....contract.events import Report, stop_if_cancelled
from ...imagery.rescaling.percentiles import count_first_digits, key_values
from ..ahead import map_ahead
from ..dataset import Dataset, Tile
from ..measuring import Measures, count_classes, measure_tile
from ..placed import PlacedTiles
from ..tile_reading import read_tile_image, read_tile_label
from ..tile_table import TileTable

_COUNTED_BYTES = 2  # values of so many bytes can all be counted one by one

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class MeasuredTiles:
    """All tiles of a dataset, read and measured.

    Attributes:
        tiles: What is known of each.
        counted: For each band how many pixels with data of the chosen tiles have which first digits: see
            `count_first_digits`.
    """

    tiles: TileTable
    counted: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class _Measured:
    measures: Measures
    height: int
    width: int
    counted: tuple[NDArray[np.int64], ...]


def is_counted(dtype: str) -> bool:
    """Tell whether all values of a dtype are counted one by one, so that counts tell everything."""
    return np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize <= _COUNTED_BYTES


def measure_dataset(
    placed: PlacedTiles, chosen: NDArray[np.bool_], report: Report, *, threads: int = 0
) -> MeasuredTiles:
    """Read and measure all tiles; the result does not depend on the number of threads.

    Args:
        placed: The tiles (N).
        chosen: Which of them are counted together (N,).
        report: Hears of the progress.
        threads: How many threads; 0 takes one per processor.

    Raises:
        InputError: A tile is damaged, or is not as dataset.json says.
    """
    dataset = placed.dataset
    totals: tuple[NDArray[np.int64], ...] = ()
    found: list[_Measured] = []
    work = map_ahead(lambda tile: _measure(tile, dataset), dataset.tiles, threads)
    for number, (one, is_chosen) in enumerate(zip(work, chosen, strict=True), start=1):
        stop_if_cancelled(report)
        if is_chosen:
            totals = totals or tuple(np.zeros_like(part) for part in one.counted)
            for at, part in enumerate(one.counted):
                totals[at][...] += part
        found.append(_Measured(one.measures, one.height, one.width, ()))
        report.progress(number / len(chosen), "Measuring tiles")
    return MeasuredTiles(_tabulate(placed, found), totals)


def read_values(
    tiles: Sequence[Tile], dataset: Dataset, look: Callable[[int, NDArray[Any]], Seen], report: Report
) -> Iterator[tuple[int, NDArray[Any], Seen]]:
    """Yield the pixels with data (P,) of every band (its number from 0) of every tile, and what `look` sees in them.

    Args:
        tiles: The tiles, in their order.
        dataset: Their dataset.
        look: Called in threads with the number of the band and its pixels.
        report: Hears of the progress.
    """

    def read(tile: Tile) -> list[tuple[int, NDArray[Any], Seen]]:
        return [
            (band, pixels, look(band, pixels)) for band, pixels in enumerate(_select(*read_tile_image(tile, dataset)))
        ]

    for number, bands in enumerate(map_ahead(read, tiles), start=1):
        stop_if_cancelled(report)
        yield from bands
        report.progress(number / len(tiles), "Finding percentiles")


def _measure(tile: Tile, dataset: Dataset) -> _Measured:
    image, valid = read_tile_image(tile, dataset)
    label = read_tile_label(tile, valid.shape) if len(dataset.classes) else None
    values = np.asarray(dataset.classes.values, dtype=np.int64)
    counted = tuple(count_first_digits(one) for one in _select(image, valid))
    if is_counted(image.dtype.name) and valid.any():
        counts = count_classes(label, values) if label is not None else np.zeros(0, dtype=np.int64)
        measures = _measure_counts(counted, image.dtype.name, counts)
    else:
        measures = measure_tile(image, valid, label, values)
    height, width = valid.shape
    return _Measured(measures, height, width, counted)


def _measure_counts(counted: Sequence[NDArray[np.int64]], dtype: str, classes: NDArray[np.int64]) -> Measures:
    """Measure a tile by how many of its pixels have each value, which is several times faster than by its pixels."""
    valid, values = int(counted[0].sum()), key_values(dtype)
    bands = []
    for counts in counted:
        held = np.flatnonzero(counts)
        some, weights = values[held], counts[held].astype(np.float64)
        mean = some @ weights / valid
        bands.append((some[0], some[-1], mean, np.sqrt((some - mean) ** 2 @ weights / valid)))
    minimum, maximum, means, stds = np.array(bands).T
    return Measures(valid, classes, minimum, maximum, means, stds)


def _select(image: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """Return the pixels with data (P,) of every band."""
    bands = image.reshape(len(image), -1)
    return tuple(bands) if valid.all() else tuple(np.compress(valid.ravel(), bands, axis=1))


def _tabulate(placed: PlacedTiles, found: Sequence[_Measured]) -> TileTable:
    measures = [one.measures for one in found]
    return TileTable(
        ids=placed.ids, scenes=placed.scenes, splits=placed.splits, rows=placed.rows, cols=placed.cols,
        heights=np.array([one.height for one in found]), widths=np.array([one.width for one in found]),
        valid=np.array([one.valid for one in measures]), counts=np.stack([one.counts for one in measures]),
        minimum=np.stack([one.minimum for one in measures]), maximum=np.stack([one.maximum for one in measures]),
        mean=np.stack([one.mean for one in measures]), std=np.stack([one.std for one in measures]),
    )  # fmt: skip
