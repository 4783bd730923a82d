"""Copying a window of a raster to a new GeoTIFF, with everything that the raster says about itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.dtypes import in_dtype_range
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ...contract.events import Report, stop_if_cancelled
from ..class_raster import read_class_table
from ..grid import Grid
from ..labels.burner import Burner
from ..output import whole_file
from ..raster import blocks, geotiff_profile, read_window, unreadable
from ..style import write_category_names, write_raster_style

_BLOCK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Cut:
    """What to copy.

    Attributes:
        source: The raster as it is; what it says about itself is kept.
        pixels: Where pixels are read: `source`, or a warped view of it.
        grid: The grid of the result.
        window: The window of `pixels` that becomes the result.
        mask: Polygons, burnt on the grid of `pixels`; what lies outside them is hidden.
    """

    source: DatasetReader
    pixels: DatasetReader | WarpedVRT
    grid: Grid
    window: Window
    mask: Burner | None = None


def copy_pixels(cut: Cut, output: str, tags: Mapping[str, str], report: Report) -> None:
    """Write the cut block by block; hidden pixels become nodata, transparent, or masked, as the raster has it.

    Raises:
        InputError: The raster is damaged within the cut.
        OutputError: The result cannot be written.
    """
    source = cut.source
    dtype = str(np.result_type(*source.dtypes)) if len(set(source.dtypes)) > 1 else source.dtypes[0]
    nodata = source.nodata if source.nodata is not None and in_dtype_range(source.nodata, dtype) else None
    profile = geotiff_profile(dtype, cut.grid.height, cut.grid.width, source.count)
    side = _block_side(source.count * np.dtype(dtype).itemsize)
    with whole_file(output, report) as path, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(path, "w", crs=cut.grid.crs, transform=cut.grid.transform, nodata=nodata, **profile) as copy:
            _describe(source, copy, tags)
            done = 0
            for block in blocks(cut.grid.height, cut.grid.width, side, side):
                stop_if_cancelled(report)
                _copy_block(cut, copy, block)
                done += block.width * block.height
                report.progress(done / (cut.grid.height * cut.grid.width), "Copying pixels")
        classes = read_class_table(source)
        if classes is not None:
            write_raster_style(Path(path), classes)
            write_category_names(Path(path), classes)


def _block_side(pixel_bytes: int) -> int:
    return min(max(256, 256 * (math.isqrt(_BLOCK_BYTES // pixel_bytes) // 256)), 2048)


def _describe(source: DatasetReader, copy: DatasetWriter, tags: Mapping[str, str]) -> None:
    """Hand on everything but pixels; statistics are left out, being those of the whole raster."""
    if ColorInterp.palette in source.colorinterp and copy.dtypes[0] in ("uint8", "uint16"):
        copy.write_colormap(1, source.colormap(1))
    else:
        copy.colorinterp = source.colorinterp
    copy.update_tags(**{**source.tags(), **tags})
    copy.scales, copy.offsets = source.scales, source.offsets
    for band in source.indexes:
        kept = {key: text for key, text in source.tags(band).items() if not key.startswith("STATISTICS_")}
        copy.update_tags(band, **kept)
        if source.descriptions[band - 1]:
            copy.set_band_description(band, source.descriptions[band - 1])
        if source.units[band - 1]:
            copy.set_band_unit(band, source.units[band - 1])


def _copy_block(cut: Cut, copy: DatasetWriter, block: Window) -> None:
    window = Window(cut.window.col_off + block.col_off, cut.window.row_off + block.row_off, block.width, block.height)
    pixels = read_window(cut.pixels, window, cut.source.indexes)
    shown = _read_mask(cut, window)
    if cut.mask is not None:
        inside = cut.mask.burn(window)[0] == 1
        if copy.nodata is not None:
            pixels[:, ~inside] = copy.nodata
        elif ColorInterp.alpha in copy.colorinterp:
            pixels[copy.colorinterp.index(ColorInterp.alpha), ~inside] = 0
        else:
            shown = inside if shown is None else shown & inside
    copy.write(pixels, window=block)
    if shown is not None:
        copy.write_mask(shown, window=block)


def _read_mask(cut: Cut, window: Window) -> NDArray[np.bool_] | None:
    """Return (H, W) True where a mask band shows the pixel, None where the raster has no mask band."""
    flags: list[Any] = cut.source.mask_flag_enums[0]
    try:
        if cut.pixels.count > cut.source.count:
            alpha: NDArray[Any] = cut.pixels.read(cut.pixels.count, window=window)
            return alpha > 0
        if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
            return np.asarray(cut.source.read_masks(1, window=window) > 0)
    except (RasterioError, OSError) as error:
        raise unreadable(cut.source, window, error) from error
    return None
