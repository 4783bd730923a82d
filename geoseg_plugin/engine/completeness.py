"""Whether a raster that was written has all its pixels."""

from __future__ import annotations

import math
from pathlib import Path

import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ..contract.errors import OutputError


def check_whole(path: Path) -> None:
    """Check that a GeoTIFF that was just written has all its blocks, without decoding them.

    GDAL writes what is left in its cache while it closes a file, and a full disk then raises no error.

    Raises:
        OutputError: It is cut short.
    """
    size = path.stat().st_size
    try:
        with rasterio.open(path) as dataset:
            bands = dataset.indexes if dataset.interleaving == Interleaving.band else [1]
            whole = all(
                _block_end(dataset, band, index) <= size for band in bands for index, _ in dataset.block_windows()
            )
    except RasterioError:
        whole = False
    if not whole:
        raise OutputError(
            f"{path.name} could not be written to its end.", "Make room on the disk, or choose another one."
        )


def _block_end(dataset: DatasetReader, band: int, index: tuple[int, int]) -> float:
    """Return where the block (row, column) ends in a GeoTIFF, in bytes; infinity where it is missing."""
    place = f"{index[1]}_{index[0]}"
    offset = dataset.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
    length = dataset.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
    return float(offset) + float(length) if offset and length else math.inf
