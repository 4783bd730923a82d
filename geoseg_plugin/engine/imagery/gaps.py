"""Pixels without data: those that a raster marks as such, and those that are 0 in all its bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ..raster import image_bands, read_valid, read_window
from .view import holds_classes, states_missing


def zeros_are_gaps(sources: Sequence[DatasetReader]) -> bool:
    """Tell whether pixels that are 0 in all image bands of all these rasters together may count as without data.

    They may not in a single band of whole numbers, nor where there are classes: there 0 may be one.
    """
    dtypes = [source.dtypes[band - 1] for source in sources for band in image_bands(source)]
    may_be_labels = len(dtypes) == 1 and np.dtype(dtypes[0]).kind != "f"
    return not may_be_labels and not any(map(holds_classes, sources))


def find_zeros(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (H, W) True where all bands of an image (C, H, W) are 0."""
    return np.asarray(~image.any(axis=0))


def may_have_gaps(dataset: DatasetReader, *, zero_nodata: bool) -> bool:
    """Tell whether a raster can have pixels without data at all, without reading any.

    Args:
        dataset: The open raster.
        zero_nodata: Whether pixels that are 0 in all image bands count as such, where they may.
    """
    floats = any(np.dtype(dataset.dtypes[band - 1]).kind == "f" for band in image_bands(dataset))
    return floats or states_missing(dataset) or (zero_nodata and zeros_are_gaps([dataset]))


def read_shown(dataset: DatasetReader, window: Window, *, zero_nodata: bool) -> NDArray[np.bool_]:
    """Return (H, W) True where all image bands of a raster have data.

    Args:
        dataset: The open raster.
        window: Rows and columns within it.
        zero_nodata: Whether pixels that are 0 in all image bands have none, where they may.

    Raises:
        InputError: The file is damaged there.
    """
    bands = image_bands(dataset)
    image = read_window(dataset, window, bands)
    shown = read_valid(dataset, window, image, bands)
    return shown & ~find_zeros(image) if zero_nodata and zeros_are_gaps([dataset]) else shown
