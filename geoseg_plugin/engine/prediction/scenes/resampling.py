"""A raster on pixels of another size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rasterio
import rasterio.shutil
from rasterio.crs import CRS
from rasterio.io import DatasetReader, MemoryFile

from ...grid import Grid
from ...imagery.view import View, view_on_grid

# Any CRS in metres will do for what has none: nothing leaves it.
_PLANE = CRS.from_epsg(3857)


@contextmanager
def view_scaled(dataset: DatasetReader, grid: Grid, steps: tuple[float, float]) -> Iterator[View]:
    """See a raster on a grid at the same place, with larger or smaller pixels.

    Args:
        dataset: The open raster.
        grid: The grid: see `pixel_sizes.scale_grid`.
        steps: How many pixels of the raster lie along the width and the height of one of the grid.

    Raises:
        InputError: The bands of the raster state different nodata values.
    """
    resampling = "average" if min(steps) >= 1 else "bilinear"
    if dataset.crs is not None:
        with view_on_grid(dataset, grid, resampling) as view:
            yield view
        return
    in_plane = Grid(_PLANE, grid.transform, grid.height, grid.width)
    with _place_in_plane(dataset) as placed, view_on_grid(placed, in_plane, resampling) as view:
        yield view


@contextmanager
def _place_in_plane(dataset: DatasetReader) -> Iterator[DatasetReader]:
    """Show a raster without a CRS as one that has one, without which GDAL resamples nothing."""
    with MemoryFile(ext=".vrt") as file:
        rasterio.shutil.copy(dataset, file.name, driver="VRT")
        with rasterio.open(file.name, "r+") as placed:
            placed.crs = _PLANE
        with rasterio.open(file.name) as placed:
            yield placed
