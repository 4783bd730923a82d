"""Percentiles and histograms of all pixels with data of many tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.events import Report
from ...imagery.rescaling.percentiles import find_percentiles, key_values
from ...moments import Moments
from ..dataset import Dataset, Tile
from .measured import is_counted, read_values


@dataclass(frozen=True)
class Distribution:
    """How the values of C bands are spread.

    Attributes:
        percentiles: Percentiles as `numpy.percentile` gives them (C, P).
        histograms: Pixels in equal bins from the smallest to the largest value (C, B), as `numpy.histogram` counts.
    """

    percentiles: NDArray[np.float64]
    histograms: NDArray[np.int64]


def find_distribution(
    tiles: Sequence[Tile],
    dataset: Dataset,
    *,
    counted: Sequence[NDArray[np.int64]],
    moments: Moments,
    percents: Sequence[float],
    bins: int,
    report: Report,
) -> Distribution:
    """Find percentiles and histograms exactly; values of more than 16 bits are read once more, of 64 bits 3 times.

    Args:
        tiles: The tiles, which together have pixels with data.
        dataset: Their dataset.
        counted: What `measure_dataset` counted of them.
        moments: Their statistics.
        percents: The percentiles wanted, 0 to 100.
        bins: Bins of the histograms.
        report: Hears of the progress.
    """
    ends = list(zip(moments.minimum, moments.maximum, strict=True))
    if is_counted(dataset.dtype):
        values = key_values(dataset.dtype)
        each = [np.histogram(values, bins, range=end, weights=one)[0] for one, end in zip(counted, ends, strict=True)]
        found = find_percentiles(tuple, dataset.dtype, len(ends), percents, counted=counted)
        return Distribution(found, np.array(each, dtype=np.int64))
    histograms = np.zeros((len(ends), bins), dtype=np.int64)

    def look(band: int, values: NDArray[Any]) -> NDArray[np.int64] | None:
        return None if histograms.any() else np.histogram(values, bins, range=ends[band])[0]

    def read() -> Iterator[tuple[int, NDArray[Any]]]:
        seen = np.zeros_like(histograms)
        for band, values, histogram in read_values(tiles, dataset, look, report):
            if histogram is not None:
                seen[band] += histogram
            yield band, values
        histograms[...] += seen

    found = find_percentiles(read, dataset.dtype, len(ends), percents, counted=counted)
    return Distribution(found, histograms)
