"""Turning a GeoTIFF into a Cloud Optimized GeoTIFF or another file, with true progress and a way to stop."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil raises has no public name
from rasterio.errors import RasterioError

from ...contract.errors import OutputError, first_line
from ...contract.events import Part, Report, stop_if_cancelled
from ..completeness import check_whole

# GDAL reads the source twice: for the overviews, and for the pixels themselves.
_PASSES = 2


def turn_into_cog(path: Path, *, averaged: bool, report: Report, done: float = 0.0) -> None:
    """Put a Cloud Optimized GeoTIFF in the place of a GeoTIFF: deflated, with overviews and all that it says of itself.

    Args:
        path: The GeoTIFF.
        averaged: Whether overviews hold averages; else, as for classes, the nearest pixel.
        report: Hears of the progress.
        done: The share of the work that was done before.

    Raises:
        OutputError: It cannot be written, or the GeoTIFF was not written to its end.
    """
    target = path.with_name(f"cog_{path.name}")
    try:
        copy_raster(
            path, target, _PASSES, Part(report, done, 1.0), "Writing overviews", driver="COG", compress="deflate",
            predictor="yes", blocksize=512, num_threads=2, bigtiff="if_safer",
            overview_resampling="average" if averaged else "nearest",
        )  # fmt: skip
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise OutputError(
            f"{path.name} could not be turned into a COG: {first_line(error)}.",
            "Make room on the disk, or write a GeoTIFF.",
        ) from error
    # What GDAL keeps beside a class raster lies beside the GeoTIFF already.
    target.with_name(f"{target.name}.aux.xml").unlink(missing_ok=True)
    target.replace(path)


def copy_raster(path: Path, target: Path, passes: int, report: Report, text: str, **options: Any) -> None:
    """Copy a GeoTIFF into another format.

    Args:
        path: The GeoTIFF.
        target: The file to write.
        passes: How many times GDAL reads the source.
        report: Hears of the progress.
        text: What is being done, in words.
        options: The driver, and what it is told.

    Raises:
        OutputError: The GeoTIFF was not written to its end, of which GDAL tells nothing while it reads.
        RasterioError, CPLE_BaseError, OSError: It cannot be written.
        Cancelled: The user has asked to stop.
    """
    check_whole(path)
    total = passes * path.stat().st_size
    read = 0

    class CountedFile(io.FileIO):
        """The source as GDAL reads it. GDAL cannot be stopped here but by a file that ends too early."""

        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            if report.is_cancelled():
                return b""
            data = super().read(-1 if size is None else size)
            read += len(data)
            report.progress(min(read / total, 1.0), text)
            return data

    def open_counted(name: str, mode: str = "rb", **_: Any) -> CountedFile:
        return CountedFile(name, mode.replace("b", ""))

    try:
        with rasterio.open(path, opener=open_counted) as source:
            rasterio.shutil.copy(source, target, **options)
    except (RasterioError, CPLE_BaseError, OSError):
        stop_if_cancelled(report)
        raise
    stop_if_cancelled(report)
