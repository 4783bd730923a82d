"""A raster as windows are read from it: see `reading.Source`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...raster import read_masks, read_valid, read_window
from .part import Part


class RasterSource:
    """A raster as it is.

    Args:
        dataset: The open raster.
        bands: The numbers of the bands to read.
        part: What of it is to be mapped.
    """

    def __init__(self, dataset: DatasetReader, bands: Sequence[int], part: Part) -> None:
        self._dataset = dataset
        self._bands = tuple(bands)
        self._part = part
        self.dtypes = tuple(dataset.dtypes[band - 1] for band in bands)

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) of a window, and (H, W) True where they have data."""
        pixels = read_window(self._dataset, window, self._bands)
        return pixels, read_valid(self._dataset, window, pixels, self._bands)

    def find_valid(self, window: Window) -> NDArray[np.bool_]:
        """Return (H, W) True where a window has data."""
        if any(np.dtype(dtype).kind == "f" for dtype in self.dtypes):
            return self.read(window)[1]
        masks = read_masks(self._dataset, window, self._bands)
        if masks is None:
            return np.ones((int(window.height), int(window.width)), np.bool_)
        return np.asarray(masks.all(axis=0))

    def find_wanted(self, window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where a window is to be mapped; None where all of it is."""
        return self._part.find(window)
