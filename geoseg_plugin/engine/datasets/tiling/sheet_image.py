"""The image of a sheet: the pixels of its scene, on its grid, in the bands chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.stages.datasets import MakeTiles
from ...raster import open_raster, read_valid, read_window
from .sheet import Sheet, SheetImage


@contextmanager
def open_image(sheet: Sheet, request: MakeTiles) -> Iterator[SheetImage]:
    """Open the image of a sheet.

    Raises:
        InputError: It cannot be opened.
    """
    with open_raster(sheet.scene.path) as dataset:
        yield PlainImage(dataset, sheet.scene.bands)


class PlainImage:
    """An image on its own grid.

    Args:
        dataset: The open raster.
        bands: Numbers of the bands wanted.
    """

    def __init__(self, dataset: DatasetReader, bands: tuple[int, ...]) -> None:
        self._dataset = dataset
        self._bands = bands
        self.nodata = dataset.nodata

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) and where all bands are known (H, W), for a window inside the grid.

        Raises:
            InputError: The file is damaged there.
        """
        pixels = read_window(self._dataset, window, self._bands)
        return pixels, read_valid(self._dataset, window, pixels, self._bands)
