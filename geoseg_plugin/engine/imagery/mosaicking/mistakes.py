"""Grids of mosaics that nobody can mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rasterio.coords import BoundingBox

from ....contract.errors import InputError
from ....contract.stages.imagery import MosaicRasters
from ...grid import Grid, same_crs
from .sources import Source

_LONGEST_SIDE = 2**31 - 1
_MOST_PIXELS = 10**12
_MANY_PIXELS = 10_000_000_000
_LEAST_SHARE = 0.001


def check_pixel_size(request: MosaicRasters, bounds: BoundingBox) -> None:
    """Refuse pixels larger than the mosaic, which come of metres given for degrees.

    Raises:
        InputError: PIXEL_SIZE is larger than these bounds, which are in units of the CRS of the mosaic.
    """
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    if request.pixel_size is not None and request.pixel_size > max(width, height):
        raise InputError(
            f"PIXEL_SIZE is {request.pixel_size:g}, more than the whole mosaic, which is {width:g} x {height:g} in "
            "units of its CRS.",
            "Give PIXEL_SIZE in these units.",
        )


def check_size(grid: Grid, sources: Sequence[Source], *, is_extent: bool) -> None:
    """Refuse what can only be a mistake: far too many pixels, or rasters so far apart that hardly any has data.

    Args:
        grid: The grid of the mosaic.
        sources: The rasters.
        is_extent: Whether an extent was asked for, which may be empty here and there.

    Raises:
        InputError: It is.
    """
    pixels = grid.width * grid.height
    filled = sum(_area(source.grid, grid) for source in sources)
    if (
        max(grid.width, grid.height) > _LONGEST_SIDE
        or pixels > _MOST_PIXELS
        or (not is_extent and pixels > _MANY_PIXELS and filled < _LEAST_SHARE * pixels)
    ):
        raise InputError(
            f"The mosaic would be {grid.width} x {grid.height} pixels ({pixels / 1e9:.0f} thousand million), which the "
            f"rasters fill to {min(filled / pixels, 1):.2%}.",
            "Check the CRS of the rasters, leave out those that lie far away, or give EXTENT or a larger PIXEL_SIZE.",
        )


def _area(source: Grid, grid: Grid) -> float:
    """Return about how many pixels of the grid a raster fills."""
    if same_crs(source.crs, grid.crs):
        return source.width * source.height * math.prod(source.pixel_size) / math.prod(grid.pixel_size)
    return float(source.width * source.height)
