"""Probabilities that are kept until the whole map is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from ...completeness import check_whole
from ...grid import Grid
from ...imagery.warping import warp
from ...raster import geotiff_profile, open_raster
from ..windows.strips import Strip

# Of maps without a CRS, which GDAL does not resample; it stays on both sides the same.
_ANY_CRS = CRS.from_epsg(3857)
_NO_DATA = float("nan")


class ProbabilityRaster:
    """A raster with one float32 band per class, to be written in any order and then read on any grid.

    Args:
        path: The GeoTIFF to create.
        grid: Its grid.
        classes: Number of classes, K.
    """

    def __init__(self, path: Path, grid: Grid, classes: int) -> None:
        self._path = path
        self._grid = grid
        profile = geotiff_profile("float32", grid.height, grid.width, classes)
        profile |= {"compress": "zstd", "zstd_level": 1, "nodata": _NO_DATA}  # quick and small, to be thrown away
        self._dataset = rasterio.open(path, "w", crs=grid.crs or _ANY_CRS, transform=grid.transform, **profile)

    def write(self, strip: Strip) -> None:
        """Keep a strip; its probabilities become NaN where they are not valid."""
        strip.probabilities[:, ~strip.valid] = np.nan
        self._dataset.write(strip.probabilities, window=strip.window)

    @contextmanager
    def read_on(self, grid: Grid) -> Iterator[DatasetReader | WarpedVRT]:
        """End writing; show the raster on a grid, between whose pixels its own are interpolated. Nodata is NaN.

        Raises:
            OutputError: The disk was full.
        """
        self._dataset.close()
        check_whole(self._path)
        with open_raster(str(self._path)) as dataset:
            if grid.is_same(self._grid):
                yield dataset
                return
            placed = replace(grid, crs=grid.crs or _ANY_CRS)
            with warp(dataset, placed, "bilinear", _NO_DATA, 0.0, by_band=False) as warped:
                yield warped

    def remove(self) -> None:
        """Remove the file."""
        self._dataset.close()
        self._path.unlink(missing_ok=True)
