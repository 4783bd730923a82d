"""Classes and confidences of a map that is made section by section, kept until whole rows can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from ...completeness import check_whole
from ...grid import Grid
from ...raster import blocks, geotiff_profile, open_raster, read_window

_NO_CLASS = 65535
_CONFIDENCE_STEPS = 65535
_STRIP_PIXELS = 2**21

Strip = tuple[int, NDArray[np.integer], NDArray[np.float32], NDArray[np.bool_]]


class ChoiceRaster:
    """A raster of class indices and confidences (uint16), to be written in any order and then read row by row.

    Args:
        path: The GeoTIFF to create.
        grid: Its grid.
    """

    def __init__(self, path: Path, grid: Grid) -> None:
        self._path = path
        # Compressed but lightly: the file does not stay.
        profile = {**geotiff_profile("uint16", grid.height, grid.width, 2), "zlevel": 1}
        self._dataset = rasterio.open(path, "w", transform=grid.transform, **profile)

    def write(
        self,
        window: Window,
        indices: NDArray[np.integer],
        confidence: NDArray[np.float32],
        valid: NDArray[np.bool_],
    ) -> None:
        """Keep class indices and confidences (H, W) of a window; those that are not `valid` count as no class."""
        chosen = np.where(valid, indices, _NO_CLASS).astype(np.uint16)
        steps = np.rint(np.nan_to_num(confidence) * _CONFIDENCE_STEPS).astype(np.uint16)
        self._dataset.write(np.stack([chosen, steps]), window=window)

    def strips(self) -> Iterator[Strip]:
        """End writing; yield strips from top to bottom: first row, class indices, confidences and validity (H, W).

        Raises:
            OutputError: The disk was full.
        """
        self._dataset.close()
        check_whole(self._path)
        with open_raster(str(self._path)) as dataset:
            rows = max(1, _STRIP_PIXELS // dataset.width)
            for window in blocks(dataset.height, dataset.width, rows, dataset.width):
                indices, steps = read_window(dataset, window)
                yield window.row_off, indices, steps.astype(np.float32) / _CONFIDENCE_STEPS, indices != _NO_CLASS

    def remove(self) -> None:
        """Remove the file."""
        self._dataset.close()
        self._path.unlink(missing_ok=True)
