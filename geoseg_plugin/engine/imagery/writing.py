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
from ...contract.events import Part, Report, stop_if_cancelled
from ..class_raster import read_class_table, read_colours
from ..grid import Grid
from ..output import whole_file
from ..raster import FILE_BLOCK, blocks, geotiff_profile, marks_single_bands
from ..sampling import looks_like_classes
from ..style import write_category_names, write_raster_style
from .cog import turn_into_cog
from .marking import Marker
from .tags import Domains, read_domains, write_tags

_BLOCK_BYTES = 64 * 1024 * 1024
_STRIP_BYTES = 16 * 1024 * 1024
_COG_SHARE = 0.5


class Block(NamedTuple):
    """Pixels of a window: `image` (C, H, W) and `shown`, True where they have data; None where all have.

    `shown` is (H, W) for whole pixels, or (C or 1, H, W).
    """

    image: NDArray[Any]
    shown: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class BandNotes:
    """What a raster says of one band; `domains` are its tags in other domains than the default one."""

    name: str | None = None
    meaning: ColorInterp = ColorInterp.undefined
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    domains: Domains = field(default_factory=dict)

    @classmethod
    def of(cls, source: DatasetReader, band: int) -> BandNotes:
        """Return what a raster says of a band, but statistics, which are of its own pixels, and its colour table."""
        at = band - 1
        kept = {key: text for key, text in source.tags(band).items() if not key.startswith("STATISTICS_")}
        return cls(
            source.descriptions[at],
            ColorInterp.undefined if source.colorinterp[at] == ColorInterp.palette else source.colorinterp[at],
            source.units[at],
            source.scales[at],
            source.offsets[at],
            kept,
            read_domains(source, band),
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
        domains: What it says of itself in other domains than the default one.
        colours: The colour table (value: red, green, blue, alpha) of its first band. A GeoTIFF can only have it where
            that has 8 or 16 bits, and nothing but alpha follows.
        classes: Its classes, if it holds classes.
    """

    grid: Grid
    dtype: str
    bands: tuple[BandNotes, ...]
    nodata: float | None = None
    masked: bool = False
    nodata_is_new: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    domains: Domains = field(default_factory=dict)
    colours: Mapping[int, tuple[int, ...]] | None = None
    classes: ClassTable | None = None

    @classmethod
    def like(cls, source: DatasetReader, grid: Grid, tags: Mapping[str, str]) -> Plan:
        """Return the plan of a raster that says of itself what `source` says, on another grid and with more tags."""
        dtype = common_dtype(source.dtypes)
        stated = (value for value in source.nodatavals if value is not None and is_value_of(value, dtype))
        return cls(
            grid, dtype, tuple(BandNotes.of(source, band) for band in source.indexes), next(stated, None),
            nodata_is_new=len(set(map(str, source.nodatavals))) > 1, tags={**source.tags(), **tags},
            domains=read_domains(source), colours=read_colours(source),
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
        return replace(self, nodata=value, nodata_is_new=self.nodata_is_new or value != self.nodata)


def is_value_of(value: float, dtype: str) -> bool:
    """Tell whether a data type holds a number."""
    with np.errstate(over="ignore"):
        within = bool(in_dtype_range(value, dtype))
    return within and (np.dtype(dtype).kind == "f" or value == int(value))


def common_dtype(dtypes: tuple[str, ...] | list[str]) -> str:
    """Return the smallest data type that holds all given ones."""
    return dtypes[0] if len(set(dtypes)) == 1 else str(np.result_type(*dtypes))


def write_raster(
    plan: Plan, output: str, make_block: Callable[[Window], Block], *, cog: bool, report: Report, pixel_bytes: int = 0
) -> None:
    """Write a raster block by block.

    Args:
        plan: What to write.
        output: Where.
        make_block: Returns the pixels of a window of the plan's grid, in the plan's dtype. Pixels that are not `shown`
            become nodata, transparent or masked, whichever the plan has.
        cog: Whether to write a Cloud Optimized GeoTIFF.
        report: Hears of the progress.
        pixel_bytes: Bytes of a pixel that `make_block` reads, if more than those of the result: they bound the blocks.

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
            pixel_bytes = max(pixel_bytes, len(plan.bands) * np.dtype(plan.dtype).itemsize)
            shape = block_shape(plan.grid.width, pixel_bytes)
            _write_blocks(plan, dataset, make_block, shape, Part(report, 0, _COG_SHARE if cog else 1))
        if cog:
            if plan.domains:
                report.note(f"GDAL copies no tags of the domain {', '.join(plan.domains)} into a COG.")
            with rasterio.open(path) as written:
                averaged = not (plan.holds_classes or looks_like_classes(written, report))
            turn_into_cog(path, averaged=averaged, report=report, done=_COG_SHARE)
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
    strip_bytes = FILE_BLOCK * width * pixel_bytes
    if strip_bytes > _BLOCK_BYTES:
        side = FILE_BLOCK * min(max(1, math.isqrt(_BLOCK_BYTES // pixel_bytes) // FILE_BLOCK), 8)
        return side, side
    return FILE_BLOCK * min(max(1, _STRIP_BYTES // strip_bytes), 8), width


def _describe(plan: Plan, dataset: DatasetWriter) -> None:
    dataset.colorinterp = [band.meaning for band in plan.bands]
    others = len(plan.bands) - 1 - (plan.alpha_band is not None)
    if plan.colours is not None and not others and plan.dtype in ("uint8", "uint16"):
        dataset.write_colormap(1, plan.colours)
    dataset.scales, dataset.offsets = [band.scale for band in plan.bands], [band.offset for band in plan.bands]
    write_tags(dataset, 0, plan.tags, plan.domains)
    for number, band in enumerate(plan.bands, start=1):
        write_tags(dataset, number, band.tags, band.domains)
        if band.name:
            dataset.set_band_description(number, band.name)
        if band.unit:
            dataset.set_band_unit(number, band.unit)


def _write_blocks(
    plan: Plan, dataset: DatasetWriter, make_block: Callable[[Window], Block], shape: tuple[int, int], report: Report
) -> None:
    height, width = plan.grid.height, plan.grid.width
    marker = Marker(plan.nodata, plan.alpha_band, marks_single_bands(plan.nodata, plan.dtype), plan.nodata_is_new)
    done = 0
    for window in blocks(height, width, *shape):
        stop_if_cancelled(report)
        image, shown = make_block(window)
        if shown is not None and shown.ndim == 2:
            shown = shown[None]
        if plan.masked:
            whole = np.ones(image.shape[1:], np.bool_) if shown is None else shown.any(axis=0)
            dataset.write_mask(whole, window=window)
        else:
            marker.mark(image, shown)
        dataset.write(image, window=window)
        done += window.width * window.height
        report.progress(done / (height * width), "Writing pixels")
    marker.warn(report)
