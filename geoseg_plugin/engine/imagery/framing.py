"""A frame of missing pixels around a raster, for averages along its edges."""

from __future__ import annotations

import math

import numpy as np
from affine import Affine
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points

from ..grid import Grid


def framed_by(source: DatasetReader, grid: Grid, nodata: float | None, *, add_alpha: bool) -> WarpedVRT:
    """Return a raster with a frame of missing pixels around it, as wide as a pixel of a grid.

    Without it GDAL averages the wrong pixels where a pixel of the grid reaches beyond the raster.

    Args:
        source: The open raster, which has a CRS.
        grid: The grid.
        nodata: What marks missing pixels in the raster and in the frame.
        add_alpha: Whether an alpha band is added that marks them.
    """
    width = min(_pixels_across(Grid.of(source), grid), max(source.width, source.height))
    return WarpedVRT(
        source, crs=source.crs, transform=source.transform @ Affine.translation(-width, -width),
        height=source.height + 2 * width, width=source.width + 2 * width, src_nodata=nodata, add_alpha=add_alpha,
        resampling=Resampling.nearest,
    )  # fmt: skip


def mark_beyond(source: DatasetReader) -> float | None:
    """Return what marks pixels beyond a raster of whole numbers whose nodata is a value like others; None for alpha.

    With alpha GDAL 3.10 makes 0 of the most frequent value where that is negative.
    """
    least = np.iinfo(source.dtypes[0]).min
    if least == 0:
        return None
    return float(least if source.nodata != least else least + 1)


def _pixels_across(source: Grid, grid: Grid) -> int:
    """Return how many pixels of a raster, at least, lie along a pixel of a grid, in the middle of the raster."""
    middle = source.transform @ (source.width / 2, source.height / 2)
    xs, ys = transform_points(source.crs, grid.crs, [middle[0]], [middle[1]])
    col, row = ~grid.transform @ (xs[0], ys[0])
    corners = [grid.transform @ corner for corner in ((col, row), (col + 1, row), (col, row + 1), (col + 1, row + 1))]
    xs, ys = transform_points(grid.crs, source.crs, *(list(axis) for axis in zip(*corners, strict=True)))
    cols, rows = ~source.transform @ (np.array(xs), np.array(ys))
    return math.ceil(max(float(np.ptp(cols)), float(np.ptp(rows)))) + 1
