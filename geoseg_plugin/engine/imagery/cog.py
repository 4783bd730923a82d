"""Turning a GeoTIFF into a Cloud Optimized GeoTIFF, with true progress and a way to stop."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil raises has no public name
from rasterio.errors import RasterioError

from ...contract.errors import OutputError, first_line
from ...contract.events import Report, stop_if_cancelled

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
        OutputError: It cannot be written.
    """
    total = _PASSES * path.stat().st_size
    read = 0

    class CountedFile(io.FileIO):
        """The source as GDAL reads it. GDAL cannot be stopped here but by a file that ends too early."""

        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            if report.is_cancelled():
                return b""
            data = super().read(-1 if size is None else size)
            read += len(data)
            report.progress(done + (1 - done) * min(read / total, 1.0), "Writing overviews")
            return data

    def open_counted(name: str, mode: str = "rb", **_: Any) -> CountedFile:
        return CountedFile(name, mode.replace("b", ""))

    target = path.with_name(f"cog_{path.name}")
    try:
        with rasterio.open(path, opener=open_counted) as source:
            rasterio.shutil.copy(
                source, target, driver="COG", compress="deflate", predictor="yes", blocksize=512, num_threads=2,
                bigtiff="if_safer", overview_resampling="average" if averaged else "nearest",
            )  # fmt: skip
    except (RasterioError, CPLE_BaseError, OSError) as error:
        stop_if_cancelled(report)
        raise OutputError(
            f"{path.name} could not be turned into a COG: {first_line(error)}.",
            "Make room on the disk, or write a GeoTIFF.",
        ) from error
    stop_if_cancelled(report)
    target.replace(path)
