"""Whether the values of an image are such as a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .....models.card import Card
from ....contract.events import Report
from ...raster import read_valid, read_window

_SAMPLES_PER_SIDE = 3
_SAMPLE_SIZE = 128
_ODD_DEVIATIONS = 4.0
_ODD_SPREAD = 4.0


def warn_of_odd_values(dataset: DatasetReader, bands: Sequence[int], card: Card, report: Report) -> None:
    """Warn when a sample of the image has quite other values than the card's training images.

    Raises:
        InputError: The file is damaged.
    """
    sample = _sample(dataset, bands)
    if sample.shape[1] == 0:
        return
    means, stds = sample.mean(axis=1), sample.std(axis=1)
    for band, mean, std in zip(card.bands, means, stds, strict=True):
        if abs(mean - band.mean) > _ODD_DEVIATIONS * band.std or std > _ODD_SPREAD * band.std:
            report.warn(
                f"The pixel values of {dataset.name} ({dataset.dtypes[0]}) are far from those that the model was "
                f"trained on ({card.dtype}): in band {band.name} mean {mean:.4g} and standard deviation {std:.4g} "
                f"instead of {band.mean:.4g} and {band.std:.4g}. Expect a poor map unless both are on one scale."
            )
            return


def _sample(dataset: DatasetReader, bands: Sequence[int]) -> np.ndarray:
    """Return (C, N) float64 valid pixels from small windows all over the raster."""
    parts = []
    rows, cols = min(dataset.height, _SAMPLE_SIZE), min(dataset.width, _SAMPLE_SIZE)
    for row in _spread(dataset.height, rows):
        for col in _spread(dataset.width, cols):
            window = Window(col, row, cols, rows)
            image = read_window(dataset, window, bands)
            parts.append(image[:, read_valid(dataset, window, image, bands)].astype(np.float64))
    return np.concatenate(parts, axis=1)


def _spread(length: int, size: int) -> list[int]:
    """Return where samples begin along an axis: no more than cover it, since small scenes may be very many."""
    count = min(_SAMPLES_PER_SIDE, -(-length // size))
    return [int(start) for start in np.linspace(0, length - size, count)]
