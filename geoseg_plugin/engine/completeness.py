"""Whether a raster that was written has all its pixels."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ..contract.errors import OutputError


def check_whole(path: Path) -> None:
    """Check that a GeoTIFF that was just written has all its blocks, without decoding them.

    GDAL writes what is left in its cache while it closes a file, or in threads of its own, and a full disk then raises
    no error. A block for which there was no room reaches beyond the end, or into a later one that did find room.

    Raises:
        OutputError: It is cut short, or blocks overlap.
    """
    size = path.stat().st_size
    try:
        with rasterio.open(path) as dataset:
            bands = dataset.indexes if dataset.interleaving == Interleaving.band else [1]
            places = sorted(_place_of(dataset, band, index) for band in bands for index, _ in dataset.block_windows())
    except RasterioError:
        places = [(0.0, math.inf)]
    whole = all(stop <= following for (_, stop), (following, _) in pairwise([*places, (float(size), 0.0)]))
    if not whole:
        raise OutputError(
            f"{path.name} could not be written to its end.", "Make room on the disk, or choose another one."
        )


def _place_of(dataset: DatasetReader, band: int, index: tuple[int, int]) -> tuple[float, float]:
    """Return where the block (row, column) begins and ends in a GeoTIFF, in bytes; it ends nowhere if it is missing."""
    place = f"{index[1]}_{index[0]}"
    offset = dataset.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
    length = dataset.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
    return (float(offset), float(offset) + float(length)) if offset and length else (0.0, math.inf)
