"""Whether the values of an image are such as a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .....models.card import Band, Card
from ....contract.events import Report
from ...raster import read_valid, read_window

_SAMPLES_PER_SIDE = 3
_SAMPLE_SIZE = 128
_ODD_DEVIATIONS = 4.0
_ODD_SPREAD = 4.0
_ODD_FLATNESS = 1 / 20  # less spread than that, far from the mean, is an image on a smaller scale, not a calm one


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
        if _is_odd(band, mean, std):
            report.warn(
                f"The pixel values of {dataset.name} ({dataset.dtypes[0]}) are far from those that the model was "
                f"trained on ({card.dtype}): in band {band.name} mean {mean:.4g} and standard deviation {std:.4g} "
                f"instead of {band.mean:.4g} and {band.std:.4g}. Expect a poor map unless both are on one scale."
            )
            return


def _is_odd(band: Band, mean: float, std: float) -> bool:
    """Tell whether values with this mean and standard deviation are on another scale than a band of the card."""
    distance = abs(mean - band.mean)
    if distance > _ODD_DEVIATIONS * band.std or std > _ODD_SPREAD * band.std:
        return True
    return distance > band.std and std < _ODD_FLATNESS * band.std


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
