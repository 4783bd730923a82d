"""The map as PNG, with what says where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError  # what rasterio.shutil raises has no public name
from rasterio.errors import RasterioError

from ....contract.classes import ClassTable
from ....contract.errors import OutputError, RequestError, first_line
from ....contract.events import Report
from ...class_raster import class_dtype
from ...grid import Grid
from ...imagery.cog import copy_raster
from ...raster import geotiff_profile
from .map_part import MapPart

_LONGEST_SIDE = 1_000_000  # libpng's own limit
_BLACK, _WHITE, _GREY = 0, 255, 127


class Picture:
    """Writes class values with their colours or, for two classes, 0 and 255; pixels without data are transparent.

    GDAL makes PNGs of whole rasters only, so the map is kept in a GeoTIFF beside the picture meanwhile.

    Args:
        path: The PNG to create; a world file (.pgw), and an .aux.xml with the CRS and the tags, are written beside it.
        grid: Its grid.
        classes: The classes in the order of their indices.
        tags: What it says of itself.

    Raises:
        RequestError: The map is too large for a PNG.
    """

    def __init__(self, path: Path, grid: Grid, classes: ClassTable, tags: Mapping[str, str]) -> None:
        if max(grid.height, grid.width) > _LONGEST_SIDE:
            raise RequestError(
                f"The map has {grid.width} x {grid.height} pixels, and a PNG {_LONGEST_SIDE} at most on a side.",
                "Leave PICTURE out, or give a smaller EXTENT.",
            )
        self._path = path
        self._kept = path.with_name("picture.tif")
        self._grid = grid
        dtype, self._nodata = class_dtype(classes)
        self._values = np.array(classes.values, dtype)
        is_mask = len(classes) == 2
        if is_mask:
            dtype, self._nodata, self._values = "uint8", _GREY, np.array([_BLACK, _WHITE], np.uint8)
        profile = {**geotiff_profile(dtype, grid.height, grid.width, 1), "zlevel": 1}
        self._dataset = rasterio.open(
            self._kept, "w", crs=grid.crs, transform=grid.transform, nodata=self._nodata, **profile
        )
        self._dataset.update_tags(**tags)
        if dtype == "uint8" and not is_mask:
            colours = {one.value: (*one.rgb, 255) for one in classes}
            self._dataset.write_colormap(1, {**colours, self._nodata: (0, 0, 0, 0)})

    def write(self, part: MapPart) -> None:
        """Keep the values of a part."""
        values = self._values[part.indices]
        values[~part.valid] = self._nodata
        self._dataset.write(values, 1, window=part.window)

    def finish(self, report: Report) -> None:
        """Write the picture, and what says where it lies.

        Raises:
            OutputError: It cannot be written.
        """
        self._dataset.close()
        try:
            copy_raster(self._kept, self._path, 1, report, "Drawing the picture", driver="PNG")
        except (RasterioError, CPLE_BaseError, OSError) as error:
            raise OutputError(
                f"{self._path.name} could not be written: {first_line(error)}.", "Make room on the disk."
            ) from error
        t, (x, y) = self._grid.transform, self._grid.transform @ (0.5, 0.5)
        numbers = (t.a, t.d, t.b, t.e, x, y)
        self._path.with_suffix(".pgw").write_text("".join(f"{number!r}\n" for number in numbers), encoding="ascii")

    def close(self) -> None:
        """Remove what was kept."""
        self._dataset.close()
        self._kept.unlink(missing_ok=True)
