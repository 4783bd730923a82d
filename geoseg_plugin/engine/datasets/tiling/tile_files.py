"""The files of tiles: GeoTIFF pairs, written, and read back where a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ....contract.errors import InputError
from ...class_raster import class_dtype
from ...grid import Grid
from ...raster import marks_single_bands, open_raster, read_valid, read_window
from ..dataset import IMAGES, LABELS
from ..tile_source import TilePixels
from .geotiff_bytes import GeoTiffFolder


class TileFiles:
    """Writes the tiles of one sheet into a dataset, and reads them; may be used from several threads.

    Args:
        folder: The dataset; its folders for images and labels must exist.
        grid: The grid that the tiles lie on.
        nodata: The value of image pixels without data; None where they get a mask band.
        band_names: Names of the bands of images.
        classes: The classes of labels, empty without labels.
        tags: Tags for every file.
        compression: One of COMPRESSIONS.
        lasting: Whether the tiles stay if the run ends early, so that each must be whole or not there.
    """

    def __init__(
        self,
        folder: Path,
        grid: Grid,
        *,
        nodata: float | None,
        band_names: tuple[str, ...],
        classes: ClassTable,
        tags: Mapping[str, str],
        compression: str,
        lasting: bool,
    ) -> None:
        self._grid = grid
        self._nodata = nodata
        self._bands = len(band_names)
        self._labelled = len(classes) > 0
        self._label_dtype, self._ignore = class_dtype(classes)
        colours = {one.value: (*one.rgb, 255) for one in classes} | {self._ignore: (0, 0, 0, 0)}
        crs = grid.crs.to_wkt() if grid.crs else None  # one CRS object must not be used from several threads
        self._images = GeoTiffFolder(
            folder / IMAGES, crs, band_names=band_names, tags=tags, compression=compression, lasting=lasting
        )
        self._labels = GeoTiffFolder(
            folder / LABELS, crs, band_names=("class",), tags=tags, compression=compression, lasting=lasting,
            colours=colours if self._label_dtype == "uint8" else None,
        )  # fmt: skip

    def write(self, name: str, row: int, col: int, tile: TilePixels) -> None:
        """Write a tile whose upper left pixel is (row, col) of the grid.

        Pixels without data have the nodata value or, where that would not tell them rightly, a mask band says so.
        """
        transform = self._grid.transform @ Affine.translation(col, row)
        told = np.array_equal(shown_by(tile.image, self._nodata), tile.valid)
        nodata, shown = (self._nodata, None) if told else (None, tile.valid)
        self._images.write(name, transform, tile.image, nodata, shown)
        if tile.label is not None:
            self._labels.write(name, transform, tile.label[None], self._ignore)

    def read(self, name: str, height: int, width: int, dtype: str) -> TilePixels | None:
        """Return a tile that was written earlier, None where it is missing, damaged or another than asked for."""
        window = Window(0, 0, width, height)
        try:
            with open_raster(str(self._images.path(name))) as dataset:
                if not _is_like(dataset, height, width, (dtype,) * self._bands):
                    return None
                image = read_window(dataset, window)
                valid = read_valid(dataset, window, image)
            if not self._labelled:
                return TilePixels(image, valid, None)
            with open_raster(str(self._labels.path(name))) as dataset:
                if not _is_like(dataset, height, width, (self._label_dtype,)):
                    return None
                return TilePixels(image, valid, read_window(dataset, window)[0])
        except InputError:
            return None


def shown_by(image: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Return where a tile (C, H, W) has data (H, W) if nothing but its nodata value tells: see `read_valid`."""
    shown = np.ones(image.shape[1:], dtype=np.bool_)
    if image.dtype.kind == "f":
        shown &= np.isfinite(image).all(axis=0)
    if nodata is not None and not np.isnan(nodata):
        missing = image == nodata
        by_band = marks_single_bands(nodata, str(image.dtype))
        shown &= ~(missing.any(axis=0) if by_band else missing.all(axis=0))
    return shown


def _is_like(dataset: DatasetReader, height: int, width: int, dtypes: tuple[str, ...]) -> bool:
    return (dataset.height, dataset.width, dataset.dtypes) == (height, width, dtypes)
