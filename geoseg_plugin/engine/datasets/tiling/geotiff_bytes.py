"""GeoTIFFs of one folder, made quickly because they differ in little but their corner and their pixels."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile

UNFINISHED = ".part"
NO_COMPRESSION = "none"
_PIECE = 64 * 1024  # bytes
# Coordinates that occur nowhere else in a header.
_MARKS = 271_828.182_845_904_5, 314_159.265_358_979_3


@dataclass(frozen=True)
class Mould:
    """The header of uncompressed GeoTIFFs, and where in it the coordinates of their corner are.

    Such a file is a header and behind it the pixels, band by band; the headers are alike up to the corner. To have
    GDAL work out each of them anew takes many times as long.
    """

    header: bytes
    x_at: int
    y_at: int

    def fill(self, transform: Affine) -> bytes:
        """Return the header of a file that has this transform; its pixels (C, H, W) follow it."""
        header = bytearray(self.header)
        struct.pack_into("<d", header, self.x_at, transform.c)
        struct.pack_into("<d", header, self.y_at, transform.f)
        return bytes(header)


class GeoTiffFolder:
    """Writes GeoTIFFs of one grid into a folder; may be used from several threads.

    Args:
        folder: Where they go.
        crs: Their CRS as WKT, None without.
        band_names: Names of their bands.
        tags: Tags for every file.
        colours: Colour table (value: red, green, blue, alpha) of the only band, None without.
        compression: "none", or as GDAL names it.
        lasting: Whether files stay there if the run ends early. Each then gets its name when it is whole; to rename
            files would hold up threads.
    """

    def __init__(
        self,
        folder: Path,
        crs: str | None,
        *,
        band_names: tuple[str, ...],
        tags: Mapping[str, str],
        colours: Mapping[int, tuple[int, ...]] | None = None,
        compression: str = NO_COMPRESSION,
        lasting: bool = False,
    ) -> None:
        self._folder = folder
        self._crs = crs
        self._band_names = band_names
        self._tags = tags
        self._colours = colours
        self._compression = compression
        self._lasting = lasting
        self._moulds: dict[tuple[Any, ...], Mould | None] = {}

    def path(self, name: str) -> Path:
        """Return the path of a file, given its name without suffix."""
        return self._folder / f"{name}.tif"

    def write(
        self,
        name: str,
        transform: Affine,
        pixels: NDArray[Any],
        nodata: float | None,
        shown: NDArray[np.bool_] | None = None,
    ) -> None:
        """Write a file.

        Args:
            name: Its name without suffix.
            transform: From pixels to the map; all have the same pixel size and directions.
            pixels: (C, H, W), contiguous.
            nodata: Its nodata value, None without.
            shown: (H, W) where there are data, for a mask band; None for none.
        """
        path = self.path(name)
        unfinished = path.with_name(path.name + UNFINISHED) if self._lasting else path
        mould = self._mould(transform, pixels, nodata) if shown is None else None
        with unfinished.open("wb") as file:
            if mould is None:
                file.write(self._encode(transform, pixels, nodata, shown))
            else:
                file.write(mould.fill(transform))
                _write_pieces(file, pixels)
        if self._lasting:
            unfinished.replace(path)

    def _encode(
        self, transform: Affine, pixels: NDArray[Any], nodata: float | None, shown: NDArray[np.bool_] | None = None
    ) -> bytes:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
            with memory.open(
                crs=self._crs, transform=transform, nodata=nodata, **_profile(pixels, self._compression)
            ) as dataset:
                # Before the pixels, else the header is written twice.
                dataset.descriptions = self._band_names
                dataset.update_tags(**self._tags)
                if self._colours is not None:
                    dataset.write_colormap(1, self._colours)
                dataset.write(pixels)
                if shown is not None:
                    dataset.write_mask(shown)
            return bytes(memory.read())

    def _mould(self, transform: Affine, pixels: NDArray[Any], nodata: float | None) -> Mould | None:
        if self._compression != NO_COMPRESSION:
            return None
        key = (pixels.shape, pixels.dtype, str(nodata))
        if key not in self._moulds:
            self._moulds[key] = self._make_mould(transform, pixels, nodata)
        return self._moulds[key]

    def _make_mould(self, transform: Affine, pixels: NDArray[Any], nodata: float | None) -> Mould | None:
        """Return the mould of files like this one, None where the file made from it is not the one that GDAL writes."""
        linear = Affine(transform.a, transform.b, 0, transform.d, transform.e, 0)
        marked = self._encode(Affine.translation(*_MARKS) @ linear, np.zeros_like(pixels), nodata)
        marks = [struct.pack("<d", mark) for mark in _MARKS]
        if any(marked.count(mark) != 1 for mark in marks):
            return None
        mould = Mould(marked[: -pixels.nbytes], *(marked.find(mark) for mark in marks))
        made = mould.fill(transform) + pixels.tobytes()
        return mould if made == self._encode(transform, pixels, nodata) else None


def _write_pieces(file: BinaryIO, pixels: NDArray[Any]) -> None:
    """Write pixels piece by piece: for more at once, Linux takes larger pages, which are slower to come by."""
    rest = pixels.reshape(-1).view(np.uint8).data
    for start in range(0, len(rest), _PIECE):
        file.write(rest[start : start + _PIECE])


def _profile(pixels: NDArray[Any], compression: str) -> dict[str, Any]:
    """Return creation options that read fast: one strip for each band."""
    count, height, width = pixels.shape
    packed: dict[str, Any] = {}
    if compression != NO_COMPRESSION:
        packed = {"compress": compression, "predictor": 3 if pixels.dtype.kind == "f" else 2}
    return {
        "driver": "GTiff", "dtype": pixels.dtype, "count": count, "height": height, "width": width,
        "interleave": "band", "blockysize": height,
        "photometric": "minisblack",  # else GDAL marks the fourth band of 8-bit pixels as alpha
    } | packed  # fmt: skip
