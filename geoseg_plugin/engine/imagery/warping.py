"""Resampling a raster to a grid: what GDAL is told, so that values and gaps come out right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from ..grid import Grid, same_crs
from .framing import framed_by

_TOLERANCE_PX = 0.001  # GDAL's own 0.125 leaves gaps between neighbours, and costs about the same


@contextmanager
def warp(
    source: DatasetReader, grid: Grid, resampling: str, nodata: float | None, reach: float, *, by_band: bool
) -> Iterator[WarpedVRT]:
    """Show a raster on another grid.

    Args:
        source: The open raster, which has a CRS.
        grid: The grid, which has one too.
        resampling: nearest, bilinear, cubic, average or mode.
        nodata: What marks missing pixels in the raster, None for a mask band, alpha, or nothing.
        reach: How many of its pixels the raster is made to reach beyond its edges, where it is not averaged.
        by_band: Whether bands miss pixels each for itself, else they do only together.
    """
    has_alpha = ColorInterp.alpha in source.colorinterp
    add_alpha = nodata is None and not has_alpha
    options = {"crs": grid.crs, "transform": grid.transform, "height": grid.height, "width": grid.width}
    options |= {"resampling": Resampling[resampling], **_warp_options(Grid.of(source), grid, by_band=by_band)}
    unsigned = all(dtype.startswith("uint") for dtype in source.dtypes)
    if unsigned and not (nodata is None or by_band or has_alpha):  # else GDAL makes 1 of a 0 that is no gap
        options |= {"nodata": None, "add_alpha": True}
    if resampling in ("mode", "average"):
        with framed_by(source, grid, nodata, add_alpha=add_alpha) as framed, WarpedVRT(framed, **options) as warped:
            yield warped
        return
    shares = 1 + 2 * reach / source.width, 1 + 2 * reach / source.height
    placed = source.transform @ Affine.translation(-reach, -reach) @ Affine.scale(*shares)
    options = {"add_alpha": add_alpha, **options}
    with WarpedVRT(source, src_nodata=nodata, src_transform=placed, **options) as warped:
        yield warped


def _warp_options(source: Grid, grid: Grid, *, by_band: bool) -> dict[str, Any]:
    """Return options of GDAL's warper, with which the result does not depend on the blocks that it is made in.

    Where GDAL estimates block by block how much larger the new pixels are, blocks differ; within a CRS it is known.
    """
    options: dict[str, Any] = {"tolerance": _TOLERANCE_PX, "UNIFIED_SRC_NODATA": "PARTIAL" if by_band else "YES"}
    if same_crs(source.crs, grid.crs):
        step = ~source.transform @ grid.transform
        options |= {"XSCALE": 1 / math.hypot(step.a, step.b), "YSCALE": 1 / math.hypot(step.d, step.e)}
    return options
