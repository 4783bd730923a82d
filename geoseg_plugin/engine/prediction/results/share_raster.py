"""Rasters of shares, 0 to 1: probabilities, and how certain they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from ....contract.events import Report
from ....contract.stages.prediction_parts.results import UINT8
from ....contract.stages.training_parts.machine import FLOAT16
from ...grid import Grid
from ...imagery.cog import turn_into_cog
from ...raster import geotiff_profile
from ...style import write_share_style
from .map_part import MapPart

_STEPS = 254  # of uint8; 255 stands for no data
_NO_SHARE = 255

Measure = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class ShareRaster:
    """Writes one band for each class, or a single one, with nodata NaN or, of uint8, 255.

    GDAL before 3.11 has no half precision: such files hold float32 in 16 bits each (NBITS), which it reads as float32.

    Args:
        path: The GeoTIFF to create.
        grid: Its grid.
        bands: The names of the bands.
        measure: Makes the shares of a band (H, W), or of all (C, H, W), of probabilities (K, H, W).
        shown: The band that is shown first, from 1.
        dtype: One of the choices of PROBABILITY_TYPE.
        tags: What it says of itself.
        cog: Whether it becomes a Cloud Optimized GeoTIFF.
    """

    def __init__(
        self, path: Path, grid: Grid, bands: Sequence[str], measure: Measure, *, shown: int, dtype: str,
        tags: Mapping[str, str], cog: bool,
    ) -> None:  # fmt: skip
        self._path = path
        self._measure = measure
        self._dtype = dtype
        self._cog = cog
        profile, nodata = _profile(dtype, grid, len(bands))
        self._dataset = rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, nodata=nodata, **profile)
        self._dataset.update_tags(**tags)
        if dtype == UINT8:
            self._dataset.scales = [1 / _STEPS] * len(bands)
        for number, name in enumerate(bands, start=1):
            self._dataset.set_band_description(number, name)
        write_share_style(path, shown)

    def write(self, part: MapPart) -> None:
        """Write the shares of a part."""
        shares = encode_shares(self._measure(part.probabilities), self._dtype)
        if shares.ndim == 2:
            self._dataset.write(shares, 1, window=part.window)
        else:
            self._dataset.write(shares, window=part.window)

    def finish(self, report: Report) -> None:
        """Finish the file."""
        self._dataset.close()
        if self._cog:
            turn_into_cog(self._path, averaged=True, report=report)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._dataset.close()


def encode_shares(shares: NDArray[np.float32], dtype: str) -> NDArray[Any]:
    """Return shares as they are kept in files of a type.

    Args:
        shares: 0 to 1, NaN without data.
        dtype: "float32"; "float16", of which float32 with its precision is made, since GDAL cuts off what is too much
            instead of rounding it; or "uint8", of which shares are so many 254ths and NaN is 255.
    """
    if dtype == FLOAT16:
        return shares.astype(np.float16).astype(np.float32)
    if dtype == UINT8:
        return np.where(np.isnan(shares), _NO_SHARE, np.rint(np.nan_to_num(shares) * _STEPS)).astype(np.uint8)
    return shares


def _profile(dtype: str, grid: Grid, bands: int) -> tuple[dict[str, Any], float]:
    if dtype == UINT8:
        return geotiff_profile("uint8", grid.height, grid.width, bands), _NO_SHARE
    profile = geotiff_profile("float32", grid.height, grid.width, bands)
    return {**profile, "nbits": 16} if dtype == FLOAT16 else profile, float("nan")
