"""Seeing a raster on another grid: as it is where its pixels fit, else resampled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from rasterio.windows import intersect as windows_intersect
from rasterio.windows import intersection as common_window

from ...contract.errors import InputError
from ...contract.events import Report
from ..class_raster import read_class_table, read_colours
from ..grid import Grid
from ..raster import alpha_bands, misses_by_band, read_masks, read_window
from ..sampling import looks_like_classes
from .framing import mark_beyond
from .warping import warp
from .writing import common_dtype, is_value_of

_STRETCH_PX = 0.02


@dataclass(frozen=True)
class View:
    """A raster on a grid.

    Attributes:
        source: The raster as it is.
        pixels: Where pixels are read: `source`, or a warped view of it on the grid.
        col: Column of `pixels` at which the grid begins.
        row: Row of `pixels` at which the grid begins.
    """

    source: DatasetReader
    pixels: DatasetReader | WarpedVRT
    col: int = 0
    row: int = 0

    def covers(self, grid: Grid) -> bool:
        """Tell whether the raster certainly has pixels for a whole grid; a warped one may end anywhere."""
        right, bottom = self.col + grid.width, self.row + grid.height
        inside = min(self.col, self.row) >= 0 and right <= self.source.width and bottom <= self.source.height
        return self.pixels is self.source and inside

    def read_bands(
        self, window: Window, bands: Sequence[int], *, masked: bool = True
    ) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read some bands of a window of the grid, which may reach beyond the raster, and which values are data.

        Args:
            window: Rows and columns of the grid.
            bands: Band numbers in the order wanted.
            masked: Whether to look which values of the raster are data. Else all within it count as such.

        Returns:
            Pixels (C, H, W), and (C, H, W) or, where it is the same for all, (1, H, W) True where they are data; None
            where all are.

        Raises:
            InputError: The file is damaged there.
        """
        wanted = Window(window.col_off + self.col, window.row_off + self.row, window.width, window.height)
        whole = Window(0, 0, self.pixels.width, self.pixels.height)
        shape = (int(window.height), int(window.width))
        if not windows_intersect(wanted, whole):
            dtype = common_dtype([self.source.dtypes[band - 1] for band in bands])
            return np.zeros((len(bands), *shape), dtype), np.zeros((1, *shape), np.bool_)
        inside = common_window(wanted, whole)
        image = read_window(self.pixels, inside, bands)
        valid = self._find_valid(image, inside, bands) if masked else None
        if (inside.height, inside.width) == (wanted.height, wanted.width):
            return image, valid
        top, left = int(inside.row_off - wanted.row_off), int(inside.col_off - wanted.col_off)
        part = (slice(None), slice(top, top + int(inside.height)), slice(left, left + int(inside.width)))
        grown = np.zeros((len(bands), *shape), image.dtype)
        grown[part] = image
        all_valid = np.zeros((1 if valid is None else len(valid), *shape), np.bool_)
        all_valid[part] = True if valid is None else valid
        return grown, all_valid

    def _find_valid(self, image: NDArray[Any], window: Window, bands: Sequence[int]) -> NDArray[np.bool_] | None:
        """Return (C, H, W), or (1, H, W) for all bands, True where there are data; None where there are everywhere."""
        # An alpha band always has values; what they say of the image is in the masks of the other bands.
        alpha = alpha_bands(self.source)
        others = [band for band in bands if band not in alpha] or list(bands)
        valid = read_masks(self.pixels, window, others)
        if valid is not None and 1 < len(valid) < len(bands):
            each = iter(valid)
            valid = np.stack([valid.any(axis=0) if band in alpha else next(each) for band in bands])
        if image.dtype.kind != "f":
            return valid
        finite = np.isfinite(image)
        if finite.all():
            return valid
        return finite if valid is None else np.asarray(finite & valid)


def check_placed(source: DatasetReader, report: Report) -> None:
    """Check that pixels of a raster have a grid on the ground; note what else it says of its place, which is lost.

    Raises:
        InputError: Ground control points or an RPC model alone say where it lies.
    """
    if not (source.gcps[0] or source.rpcs):
        return
    model = "ground control points" if source.gcps[0] else "an RPC model"
    if source.transform.is_identity:
        raise InputError(
            f"{source.name} says by {model} alone where it lies, so that its pixels have no grid on the ground.",
            "Warp it to a CRS first (in QGIS: Raster, Projections, Warp; or gdalwarp).",
        )
    report.note(f"{source.name} has {model} beside its own grid, which the result does not keep.")


@contextmanager
def view_on_grid(
    source: DatasetReader, grid: Grid, resampling: str, *, stretched: bool = False, without_zeros: bool = False,
    with_nodata: bool = False,
) -> Iterator[View]:  # fmt: skip
    """See a raster on a grid; pixels that fall on each other are read as they are, others are resampled.

    Args:
        source: The open raster.
        grid: The grid wanted.
        resampling: nearest, bilinear, cubic, average or mode, the most frequent value. Classes are never blended: for
            them it is nearest in place of others than mode.
        stretched: Whether a raster that is resampled reaches a fiftieth of its pixels beyond its edges, to close gaps.
        without_zeros: Whether 0 counts as nodata where a raster is resampled that does not state what is missing.
        with_nodata: Whether the nodata value of whole numbers is one like others where a raster is resampled.

    Raises:
        InputError: Either has no CRS and the pixels do not fall on each other.
    """
    offset = Grid.of(source).offset_of(grid)
    if offset is not None:
        yield View(source, source, *offset)
        return
    if source.crs is None or grid.crs is None:
        raise InputError(
            f"{source.name} cannot be resampled: {'it' if source.crs is None else 'the grid'} has no CRS.",
            "Give the raster its CRS first.",
        )
    zero = without_zeros and not states_missing(source)
    nodata = mark_beyond(source) if with_nodata else 0.0 if zero else _missing_value(source)
    by_band = misses_by_band(source) and not zero
    method = "nearest" if holds_classes(source) and resampling != "mode" else resampling
    with warp(source, grid, method, nodata, _STRETCH_PX if stretched else 0.0, by_band=by_band) as warped:
        yield View(source, warped)


def _missing_value(source: DatasetReader) -> float | None:
    """Return the value that marks missing pixels of a raster to be resampled; NaN does where floats state none.

    GDAL heeds a mask band rather than nodata, but not where it is told of nodata.

    Raises:
        InputError: The bands state different ones.
    """
    if has_mask_band(source):
        return None
    stated = {str(value): value for value in source.nodatavals}
    if len(stated) > 1:
        raise InputError(
            f"{source.name} cannot be resampled: its bands have different nodata values ({', '.join(stated)}).",
            "Clip it with NODATA first, which gives all bands the same.",
        )
    if source.nodata is not None:
        return float(source.nodata) if all(is_value_of(source.nodata, name) for name in source.dtypes) else None
    floats = all(np.dtype(name).kind == "f" for name in source.dtypes)
    return math.nan if floats and ColorInterp.alpha not in source.colorinterp else None


def warn_of_blending(view: View, resampling: str, report: Report) -> None:
    """Say that classes are not blended when they are resampled, and warn where values look like classes that are.

    Raises:
        InputError: The file is damaged.
        Cancelled: The user has asked to stop.
    """
    source = view.source
    if view.pixels is source or resampling == "nearest":
        return
    if holds_classes(source):
        report.note(f"{source.name} holds classes, which cannot be blended: nearest neighbours are taken.")
    elif looks_like_classes(source, report):
        report.warn(
            f"{source.name} has so few different values that it may hold classes, which '{resampling}' blends into "
            "others. If so, choose 'nearest' as RESAMPLING."
        )


def holds_classes(source: DatasetReader) -> bool:
    """Tell whether the values of a raster are classes: it has a colour table, or GeoSeg's class names."""
    return read_colours(source) is not None or read_class_table(source) is not None


def states_missing(source: DatasetReader) -> bool:
    """Tell whether a raster says which pixels are missing: by nodata, by a mask band, or by alpha."""
    return any(MaskFlags.all_valid not in flags for flags in source.mask_flag_enums) or bool(alpha_bands(source))


def has_mask_band(source: DatasetReader) -> bool:
    """Tell whether a mask band, and neither nodata nor alpha, says where a raster has data."""
    flags = source.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
