"""What a sample of a raster's pixels tells: values that look like classes, and alpha that looks like an image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ..contract.events import Report, stop_if_cancelled
from .raster import read_window

_SIDE = 256
_SQUARES_ACROSS = 4
_MOST_CLASSES = 32
_ODD_ALPHA_SHARE = 0.25


def looks_like_classes(dataset: DatasetReader, report: Report) -> bool:
    """Tell whether a raster is one band of few different whole numbers, by a sample of its pixels.

    Raises:
        InputError: The file is damaged.
        Cancelled: The user has asked to stop.
    """
    if dataset.count > 1 or np.dtype(dataset.dtypes[0]).kind == "f":
        return False
    values = np.setdiff1d(read_sample(dataset, 1, report), dataset.nodatavals)
    return 0 < len(values) <= _MOST_CLASSES


def warn_of_odd_alpha(dataset: DatasetReader, report: Report) -> None:
    """Warn when an alpha band looks like an image band: many pixels are half transparent.

    GDAL marks the fourth band of 8-bit files as alpha unless told otherwise, and so turns near infrared into alpha.

    Raises:
        InputError: The file is damaged.
        Cancelled: The user has asked to stop.
    """
    for band, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True):
        if meaning == ColorInterp.alpha and dataset.count > 1:
            alpha = read_sample(dataset, band, report)
            if np.mean((alpha > 0) & (alpha < alpha.max())) > _ODD_ALPHA_SHARE:
                report.warn(
                    f"Band {band} of {dataset.name} is marked as alpha (transparency) and taken for that, but looks "
                    f"like an image band. If it is one, mark it so: gdal_edit.py -colorinterp_{band} undefined FILE."
                )


def read_sample(dataset: DatasetReader, band: int, report: Report) -> NDArray[Any]:
    """Return the values (N,) of a band in squares spread over the raster, which may overlap; of a small one, of all.

    Raises:
        InputError: The file is damaged.
        Cancelled: The user has asked to stop.
    """
    squares = []
    for window in _squares(dataset.height, dataset.width):
        stop_if_cancelled(report)
        squares.append(read_window(dataset, window, [band]).ravel())
    return np.concatenate(squares)


def _squares(height: int, width: int) -> Iterator[Window]:
    for row in _starts(height):
        for col in _starts(width):
            yield Window(col, row, min(_SIDE, width), min(_SIDE, height))


def _starts(size: int) -> list[int]:
    """Return where squares begin along a side of the raster."""
    number = min(math.ceil(size / _SIDE), _SQUARES_ACROSS)
    return [int(start) for start in np.linspace(0, max(size - _SIDE, 0), number)]
