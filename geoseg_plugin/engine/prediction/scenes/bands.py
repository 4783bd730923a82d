"""Whether an image fits a model: its bands, its values and its pixel size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .....models.card import Card
from ....contract.errors import ModelError
from ....contract.events import Report
from ...grid import Grid
from ...raster import band_names, image_bands, read_valid, read_window
from ...sampling import warn_of_odd_alpha

_SAMPLES_PER_SIDE = 3
_SAMPLE_SIZE = 128
_ODD_DEVIATIONS = 4.0
_ODD_SPREAD = 4.0
_ODD_PIXEL_SIZE = 2.0
_METRES_PER_DEGREE = 111_320.0


def match_bands(dataset: DatasetReader, card: Card, report: Report) -> tuple[int, ...]:
    """Return the numbers of the bands that the network wants, in its order.

    As many bands as the card names (without alpha) are taken as they come; of more bands those with the card's names.

    Raises:
        ModelError: The image has other bands than the card names.
        InputError: The file is damaged.
    """
    warn_of_odd_alpha(dataset, report)
    bands = image_bands(dataset)
    names = _plain(band_names(dataset, bands))
    wanted = _plain([band.name for band in card.bands])
    if len(bands) == len(wanted):
        if names != wanted and sorted(names) == sorted(wanted):
            report.warn(
                f"The bands of {dataset.name} are named {', '.join(names)}, but the model was trained on "
                f"{', '.join(wanted)} in this order. They are used as they come: reorder them if the names are right."
            )
        return bands
    own = [name for band, name in zip(bands, names, strict=True) if name != f"band {band}"]
    if all(own.count(name) == 1 for name in wanted):
        chosen = tuple(bands[names.index(name)] for name in wanted)
        report.note(f"Bands used: {', '.join(map(str, chosen))} ({', '.join(wanted)})")
        return chosen
    raise ModelError(
        f"The model wants {_count(len(wanted))} ({', '.join(wanted)}), but {dataset.name} has "
        f"{_count(len(bands))} ({', '.join(names)}).",
        "Give an image with these bands in this order, or with bands of these names.",
    )


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


def warn_of_odd_pixel_size(grid: Grid, card: Card, report: Report) -> None:
    """Warn when the image's pixels are less than half or more than twice as large as the card's."""
    try:
        trained_in = CRS.from_user_input(card.crs) if card.crs else None
    except CRSError:
        return
    if (grid.crs is None) != (trained_in is None):
        return
    here, trained = _pixel_size_m(grid.pixel_size, grid.crs), _pixel_size_m(card.pixel_size, trained_in)
    if not 1 / _ODD_PIXEL_SIZE <= here / trained <= _ODD_PIXEL_SIZE:
        unit = "m" if grid.crs else "map units"
        report.warn(
            f"The pixels of the image measure {here:.3g} {unit}, those that the model was trained on {trained:.3g}. "
            "Things look larger or smaller than the model knows them: resample the image, or expect a poor map."
        )


def _plain(names: Sequence[str]) -> list[str]:
    return [name.strip().casefold() for name in names]


def _count(bands: int) -> str:
    return f"{bands} band{'s' * (bands != 1)}"


def _sample(dataset: DatasetReader, bands: Sequence[int]) -> np.ndarray:
    """Return (C, N) float64 valid pixels from small windows all over the raster."""
    parts = []
    rows, cols = min(dataset.height, _SAMPLE_SIZE), min(dataset.width, _SAMPLE_SIZE)
    for row in sorted({*np.linspace(0, dataset.height - rows, _SAMPLES_PER_SIDE).astype(int).tolist()}):
        for col in sorted({*np.linspace(0, dataset.width - cols, _SAMPLES_PER_SIDE).astype(int).tolist()}):
            window = Window(col, row, cols, rows)
            image = read_window(dataset, window, bands)
            parts.append(image[:, read_valid(dataset, window, image, bands)].astype(np.float64))
    return np.concatenate(parts, axis=1)


def _pixel_size_m(size: tuple[float, float], crs: CRS | None) -> float:
    """Return the height of a pixel, which in degrees is the same length at every latitude, in metres."""
    if crs is None:
        return size[1]
    if crs.is_geographic:
        return size[1] * _METRES_PER_DEGREE
    return size[1] * (crs.linear_units_factor[1] if crs.is_projected else 1.0)
