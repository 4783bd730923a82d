"""Writing a raster block by block, with everything that it says about itself, as GeoTIFF or COG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.dtypes import in_dtype_range
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from ...contract.classes import ClassTable
from ...contract.errors import RequestError
from ...contract.events import Report, stop_if_cancelled
from ..class_raster import read_class_table
from ..grid import Grid
from ..output import whole_file
from ..raster import blocks, geotiff_profile
from ..style import write_category_names, write_raster_style
from .cog import turn_into_cog

_BLOCK_BYTES = 64 * 1024 * 1024
_STRIP_BYTES = 16 * 1024 * 1024
_ROWS = 256  # of the blocks of the file
_COG_SHARE = 0.5


class Block(NamedTuple):
    """Pixels of a window: `image` (C, H, W) and `shown` (H, W), True where they have data; None where all have."""

    image: NDArray[Any]
    shown: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class BandNotes:
    """What a raster says of one band."""

    name: str | None = None
    meaning: ColorInterp = ColorInterp.undefined
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: DatasetReader, band: int) -> BandNotes:
        """Return what a raster says of a band; statistics are left out, being those of its own pixels."""
        at = band - 1
        kept = {key: text for key, text in source.tags(band).items() if not key.startswith("STATISTICS_")}
        return cls(
            source.descriptions[at],
            source.colorinterp[at],
            source.units[at],
            source.scales[at],
            source.offsets[at],
            kept,
        )


@dataclass(frozen=True)
class Plan:
    """A raster to be written.

    Attributes:
        grid: Its grid.
        dtype: Its data type.
        bands: What it says of each band.
        nodata: The value of pixels without data.
        masked: Whether it has a mask band, for pixels without data where there is no nodata value.
        nodata_is_new: Whether pixels with data may happen to have the nodata value, which a warning then tells.
        tags: What it says of itself.
        colours: Its colour table (value: red, green, blue, alpha).
        classes: Its classes, if it holds classes.
    """

    grid: Grid
    dtype: str
    bands: tuple[BandNotes, ...]
    nodata: float | None = None
    masked: bool = False
    nodata_is_new: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, ...]] | None = None
    classes: ClassTable | None = None

    @classmethod
    def like(cls, source: DatasetReader, grid: Grid, tags: Mapping[str, str]) -> Plan:
        """Return the plan of a raster that says of itself what `source` says, on another grid and with more tags."""
        dtype = common_dtype(source.dtypes)
        stated = (value for value in source.nodatavals if value is not None and is_value_of(value, dtype))
        has_palette = ColorInterp.palette in source.colorinterp and dtype in ("uint8", "uint16")
        return cls(
            grid, dtype, tuple(BandNotes.of(source, band) for band in source.indexes), next(stated, None),
            tags={**source.tags(), **tags}, colours=source.colormap(1) if has_palette else None,
            classes=read_class_table(source),
        )  # fmt: skip

    @property
    def holds_classes(self) -> bool:
        """Whether values are names rather than amounts, so that they cannot be averaged."""
        return self.colours is not None or self.classes is not None

    @property
    def alpha_band(self) -> int | None:
        """The number of the alpha band, if there is one."""
        meanings = [band.meaning for band in self.bands]
        return meanings.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in meanings else None

    def with_nodata(self, value: float | None) -> Plan:
        """Return the plan with another nodata value, or as it is where none is given.

        Raises:
            RequestError: The data type does not hold the value.
        """
        if value is None:
            return self
        if not is_value_of(value, self.dtype):
            raise RequestError(
                f"NODATA is {value:g}, which is no value of {self.dtype}, the data type of the pixels.",
                "Give a value that pixels can have, but do not.",
            )
        return replace(self, nodata=value, nodata_is_new=value != self.nodata)


def is_value_of(value: float, dtype: str) -> bool:
    """Tell whether a data type holds a number."""
    with np.errstate(over="ignore"):
        within = bool(in_dtype_range(value, dtype))
    return within and (np.dtype(dtype).kind == "f" or value == int(value))


def common_dtype(dtypes: tuple[str, ...] | list[str]) -> str:
    """Return the smallest data type that holds all given ones."""
    return dtypes[0] if len(set(dtypes)) == 1 else str(np.result_type(*dtypes))


def write_raster(plan: Plan, output: str, make_block: Callable[[Window], Block], *, cog: bool, report: Report) -> None:
    """Write a raster block by block.

    Args:
        plan: What to write.
        output: Where.
        make_block: Returns the pixels of a window of the plan's grid, in the plan's dtype. Pixels that are not `shown`
            become nodata, transparent or masked, whichever the plan has.
        cog: Whether to write a Cloud Optimized GeoTIFF.
        report: Hears of the progress.

    Raises:
        OutputError: The raster cannot be written.
    """
    profile = geotiff_profile(plan.dtype, plan.grid.height, plan.grid.width, len(plan.bands))
    if cog:
        profile |= {"compress": "zstd", "zstd_level": 1}  # quick and small, to be thrown away
    with whole_file(output, report) as path, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(
            path, "w", crs=plan.grid.crs, transform=plan.grid.transform, nodata=plan.nodata, **profile
        ) as dataset:
            _describe(plan, dataset)
            _write_blocks(plan, dataset, make_block, _COG_SHARE if cog else 1.0, report)
        if cog:
            turn_into_cog(path, averaged=not plan.holds_classes, report=report, done=_COG_SHARE)
        if plan.classes is not None:
            write_raster_style(Path(path), plan.classes)
            write_category_names(Path(path), plan.classes)


def block_shape(width: int, pixel_bytes: int) -> tuple[int, int]:
    """Return rows and columns, multiples of 256, of blocks to work through a raster in, whose memory is bounded.

    They run over the whole width if they can: many rasters are stored row by row, and squares would read rows anew.

    Args:
        width: Width of the raster in pixels.
        pixel_bytes: Bytes of a pixel over all bands.
    """
    strip_bytes = _ROWS * width * pixel_bytes
    if strip_bytes > _BLOCK_BYTES:
        side = _ROWS * min(max(1, math.isqrt(_BLOCK_BYTES // pixel_bytes) // _ROWS), 8)
        return side, side
    return _ROWS * min(max(1, _STRIP_BYTES // strip_bytes), 8), width


def _describe(plan: Plan, dataset: DatasetWriter) -> None:
    if plan.colours is not None:
        dataset.write_colormap(1, plan.colours)
    else:
        dataset.colorinterp = [band.meaning for band in plan.bands]
    dataset.update_tags(**plan.tags)
    dataset.scales, dataset.offsets = [band.scale for band in plan.bands], [band.offset for band in plan.bands]
    for number, band in enumerate(plan.bands, start=1):
        dataset.update_tags(number, **band.tags)
        if band.name:
            dataset.set_band_description(number, band.name)
        if band.unit:
            dataset.set_band_unit(number, band.unit)


def _write_blocks(
    plan: Plan, dataset: DatasetWriter, make_block: Callable[[Window], Block], share: float, report: Report
) -> None:
    height, width = plan.grid.height, plan.grid.width
    done = mistaken = 0
    for window in blocks(height, width, *block_shape(width, len(plan.bands) * np.dtype(plan.dtype).itemsize)):
        stop_if_cancelled(report)
        image, shown = make_block(window)
        if plan.nodata_is_new:
            like_nodata = (image == plan.nodata).all(axis=0)
            mistaken += int(np.count_nonzero(like_nodata if shown is None else like_nodata & shown))
        if plan.masked:
            dataset.write_mask(np.ones(image.shape[1:], np.bool_) if shown is None else shown, window=window)
        elif shown is not None:
            _hide(plan, image, ~shown)
        dataset.write(image, window=window)
        done += window.width * window.height
        report.progress(share * done / (height * width), "Writing pixels")
    if mistaken:
        report.warn(
            f"{mistaken} pixels with data have the value {plan.nodata:g} in all bands and now count as pixels without "
            "data. Give a NODATA value that no pixel has."
        )


def _hide(plan: Plan, image: NDArray[Any], hidden: NDArray[np.bool_]) -> None:
    """Make pixels nodata or transparent in place."""
    if plan.nodata is not None:
        image[:, hidden] = plan.nodata
    if plan.alpha_band is not None:
        image[plan.alpha_band - 1, hidden] = 0
