"""The image of a sheet: the pixels of its scene, on its grid, in the bands chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.stages.datasets import MakeTiles
from ...imagery.gaps import find_zeros, zeros_are_gaps
from ...imagery.view import View, states_missing, view_on_grid
from ...imagery.writing import is_value_of
from ...raster import image_bands, marks_single_bands, open_raster
from .scenes import Scene
from .sheet import Sheet, SheetImage


@contextmanager
def open_image(sheet: Sheet, request: MakeTiles) -> Iterator[SheetImage]:
    """Open the image of a sheet, resampled where its grid is another one.

    Raises:
        InputError: It cannot be opened or resampled.
    """
    with open_raster(sheet.scene.path) as source, view_on_grid(source, sheet.grid, request.resampling) as view:
        gaps = request.zero_nodata and zeros_are_gaps([source])
        blends_zeros = gaps and sheet.is_resampled and request.resampling != "nearest" and not states_missing(source)
        if not blends_zeros:
            yield ViewedImage(view, sheet.scene, gaps=gaps)
            return
        with view_on_grid(source, sheet.grid, request.resampling, without_zeros=True) as gapless:
            yield ViewedImage(view, sheet.scene, gaps=gaps, gapless=gapless)


class ViewedImage:
    """An image on the grid of a sheet.

    Args:
        view: The image there.
        scene: The scene that it is.
        gaps: Whether pixels that are 0 in all image bands have no data.
        gapless: Where the image is resampled so that zeros are blended into other values: the same without them.

    Attributes:
        nodata: The value that all bands have where one is not known, None where the image has none that can say so.
    """

    def __init__(self, view: View, scene: Scene, *, gaps: bool, gapless: View | None = None) -> None:
        self._view = view
        self._gapless = gapless
        self._bands = scene.bands
        self._others = [band for band in image_bands(view.source) if band not in scene.bands]
        self._gaps = gaps
        self.nodata = _find_nodata(view.source, scene)
        self._by_band = marks_single_bands(self.nodata, scene.dtype)

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) and where all bands are known (H, W), for a window.

        Raises:
            InputError: The file is damaged there.
        """
        image, valid, zero = self._read(window, self._bands)
        if self._gaps and zero.any():
            if self._others:
                zero &= self._read(window, self._others)[2]
            valid = valid & ~zero
        if self.nodata is not None and not valid.all():
            self._mark(image, valid, self.nodata)
        return image, valid

    def _read(
        self, window: Window, bands: tuple[int, ...] | list[int]
    ) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return pixels (C, H, W), where all bands are known (H, W), and where all these are 0 (H, W)."""
        image, known = (self._gapless or self._view).read_bands(window, bands)
        zero = find_zeros(image) if self._gaps else np.zeros(image.shape[1:], np.bool_)
        if self._gapless is not None and known is not None and not known.all():
            # The edges of gaps are not blended with the zeros in them, but these are values where other bands are none.
            plain, inside = self._view.read_bands(window, bands)
            image, known = np.where(known, image, plain), inside
        if known is None:
            return image, np.ones(zero.shape, np.bool_), zero
        valid = np.asarray(known.all(axis=0))
        return image, valid, zero & valid

    def _mark(self, image: NDArray[Any], valid: NDArray[np.bool_], nodata: float) -> None:
        """Give pixels that are not known the nodata value, unless they say so themselves."""
        same = np.isnan(image) if math.isnan(nodata) else image == nodata
        said = same.any(axis=0) if self._by_band else same.all(axis=0)
        np.copyto(image, image.dtype.type(nodata), where=~valid & ~said)


def _find_nodata(source: DatasetReader, scene: Scene) -> float | None:
    """Return the nodata value that tiles can have: that of all their bands, if it says of tiles what it says of all."""
    values = {source.nodatavals[band - 1] for band in scene.bands}
    nodata = values.pop() if len({str(value) for value in values}) == 1 else None
    if nodata is None or not is_value_of(nodata, scene.dtype):
        return None
    whole = set(image_bands(source)) <= set(scene.bands)
    return nodata if whole or marks_single_bands(nodata, scene.dtype) else None
