"""Reading a tile: its two files, which must be as its dataset says, or what stands for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ...contract.errors import InputError
from ..raster import image_bands, open_raster, read_valid, read_window
from .dataset import MAKE_AGAIN, Dataset, Tile
from .tile_source import TilePixels

_LABEL_DTYPES = ("uint8", "uint16")


def read_tile(tile: Tile, dataset: Dataset) -> TilePixels:
    """Return the pixels of a tile of any dataset, no side longer than its tile size.

    Raises:
        InputError: A file is damaged, or is not as dataset.json says.
    """
    if dataset.source is not None:
        return dataset.source.read(tile)
    image, valid = read_tile_image(tile, dataset)
    side, (height, width) = dataset.tile_size, valid.shape
    if max(height, width) > side:
        raise InputError(
            f"The tile {tile.image} has {width} x {height} pixels, the dataset {side} x {side}.", MAKE_AGAIN
        )
    return TilePixels(image, valid, read_tile_label(tile, valid.shape) if len(dataset.classes) else None)


def read_tile_image(tile: Tile, dataset: Dataset) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the pixels (C, H, W) of a tile in the dtype of its dataset, and where all bands have data (H, W).

    Raises:
        InputError: The file is damaged, or has other bands or another data type.
    """
    with open_raster(str(tile.image)) as opened:
        bands = image_bands(opened)
        if len(bands) != len(dataset.bands):
            raise InputError(
                f"The tile {tile.image} has {len(bands)} bands, the dataset {len(dataset.bands)}.", MAKE_AGAIN
            )
        window = Window(0, 0, opened.width, opened.height)
        image = read_window(opened, window, bands)
        if image.dtype.name != dataset.dtype:
            raise InputError(
                f"The tile {tile.image} has pixels of type {image.dtype.name}, the dataset {dataset.dtype}.",
                MAKE_AGAIN,
            )
        return image, read_valid(opened, window, image, bands)


def read_tile_label(tile: Tile, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the class values (H, W) of a tile, uint8 or uint16.

    Args:
        tile: The tile.
        shape: Height and width of its image.

    Raises:
        InputError: The file is damaged, or has another size or data type.
    """
    with open_raster(str(tile.label)) as opened:
        if (opened.height, opened.width) != shape:
            raise InputError(
                f"The label {tile.label} has {opened.width} x {opened.height} pixels, its image "
                f"{shape[1]} x {shape[0]}.",
                MAKE_AGAIN,
            )
        if opened.dtypes[0] not in _LABEL_DTYPES:
            raise InputError(
                f"The label {tile.label} has values of type {opened.dtypes[0]}, not {' or '.join(_LABEL_DTYPES)}.",
                MAKE_AGAIN,
            )
        label: NDArray[Any] = read_window(opened, Window(0, 0, opened.width, opened.height), [1])[0]
        return label
