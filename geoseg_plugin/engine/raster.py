"""Reading and writing rasters: clear errors, valid pixels, and the settings that every written file shares."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ..contract.errors import InputError, first_line
from .remote import is_remote, reading_options
from .virtual_sources import check_sources

# GDAL_CACHEMAX in bytes: rasterio passes the number on as bytes, where GDAL itself would take small ones for MB.
_GDAL_OPTIONS = {"GDAL_CACHEMAX": 128 * 1024 * 1024, "GDAL_NUM_THREADS": "2"}
_READABLE_KINDS = "uif"
FILE_BLOCK = 256  # sides of the blocks of files written

# Whether it matters, each stage says itself. Once for all, because threads must not change filters under each other.
warnings.simplefilter("ignore", NotGeoreferencedWarning)
warnings.simplefilter("ignore", NodataShadowWarning)


@contextmanager
def open_raster(path: str) -> Iterator[DatasetReader]:
    """Open a raster for reading.

    Raises:
        InputError: GDAL cannot open it, it is virtual and shows missing files, it has no bands, or its pixels are
            complex numbers.
    """
    with rasterio.Env(**_GDAL_OPTIONS, **reading_options(path)):
        try:
            dataset = rasterio.open(path)
        except (RasterioError, OSError) as error:
            fix = "Check that the file exists, is complete, and is a raster that GDAL reads."
            fix = "Check the address, and that its server can be reached." if is_remote(path) else fix
            raise InputError(f"The raster {path} cannot be opened: {first_line(error)}.", fix) from error
        with dataset:
            if dataset.driver == "VRT":
                check_sources(path)
            if dataset.count == 0:
                raise InputError(f"The raster {path} has no bands.", "If it has subdatasets, choose one of them.")
            kinds = {_kind(name) for name in dataset.dtypes}
            if not kinds <= set(_READABLE_KINDS):
                raise InputError(
                    f"The raster {path} holds complex numbers ({dataset.dtypes[0]}).",
                    "Turn it into amplitude or intensity first.",
                )
            yield dataset


def read_window(
    dataset: DatasetReader,
    window: Window,
    bands: Sequence[int] | None = None,
    *,
    out_shape: tuple[int, int, int] | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Read bands (counted from 1; all by default) of a window inside the raster.

    Args:
        dataset: The open raster.
        window: Rows and columns in pixels.
        bands: Band numbers in the order wanted.
        out_shape: (C, H, W) to read a window smaller than it is; by default as it is.
        out: An array (C, H, W) to read into, where all bands have its data type.

    Returns:
        Array (C, H, W) in the raster's own dtype, or in the smallest one that holds those of its bands.

    Raises:
        InputError: The file is damaged there.
    """
    numbers = list(bands or dataset.indexes)
    if len({dataset.dtypes[band - 1] for band in numbers}) > 1:
        shape = out_shape and (1, *out_shape[1:])
        return np.concatenate([read_window(dataset, window, [band], out_shape=shape) for band in numbers])
    try:
        pixels: NDArray[Any] = dataset.read(indexes=numbers, window=window, out_shape=out_shape, out=out)
    except (RasterioError, OSError) as error:
        raise unreadable(dataset, window, error) from error
    return pixels


def read_valid(
    dataset: DatasetReader, window: Window, image: NDArray[Any], bands: Sequence[int] | None = None
) -> NDArray[np.bool_]:
    """Return (H, W) True where the values of all bands read are known.

    For the arguments, errors, and what is known, see `read_known`.
    """
    return np.asarray(read_known(dataset, window, image, bands).all(axis=0))


def read_known(
    dataset: DatasetReader, window: Window, image: NDArray[Any], bands: Sequence[int] | None = None
) -> NDArray[np.bool_]:
    """Return where values are known: not masked, not transparent, not nodata (see `read_masks`), and finite.

    Args:
        dataset: The open raster.
        window: The window that `image` was read from, inside the raster.
        image: (C, H, W) pixels of that window.
        bands: The numbers of these bands; all but alpha by default.

    Returns:
        (C, H, W) or, where it is the same for all bands, (1, H, W).

    Raises:
        InputError: The mask of the file is damaged there.
    """
    masks = read_masks(dataset, window, list(bands or image_bands(dataset)))
    if image.dtype.kind != "f":
        return np.ones((1, *image.shape[1:]), np.bool_) if masks is None else masks
    finite = np.isfinite(image)
    return finite if masks is None else np.asarray(finite & masks)


def read_masks(dataset: DatasetReader | WarpedVRT, window: Window, bands: Sequence[int]) -> NDArray[np.bool_] | None:
    """Return where a raster itself says that it has data: by nodata, by a mask band, or by alpha.

    Unless bands miss pixels each for itself (see `misses_by_band`), a pixel is missing only where all image bands of
    the raster have nodata, whichever are asked for.

    Args:
        dataset: The open raster.
        window: Rows and columns within it.
        bands: Band numbers.

    Returns:
        (C, H, W) or, where it is the same for all bands, (1, H, W); None where there are data everywhere.

    Raises:
        InputError: The file is damaged there.
    """
    masks = _read_own_masks(dataset, window, bands)
    if masks is None or misses_by_band(dataset):
        return masks
    shown = np.asarray(masks.any(axis=0, keepdims=True))
    others = [band for band in image_bands(dataset) if band not in bands]
    if not others or shown.all():
        return shown
    rest = _read_own_masks(dataset, window, others)
    return None if rest is None else np.asarray(shown | rest.any(axis=0, keepdims=True))


def misses_by_band(dataset: DatasetReader | WarpedVRT) -> bool:
    """Tell whether each band of a raster misses pixels for itself.

    With 8 bits, or nodata 0, dark or saturated pixels often have it in one band: there it counts in all bands alone.
    """
    return any(marks_single_bands(dataset.nodatavals[at - 1], dataset.dtypes[at - 1]) for at in image_bands(dataset))


def marks_single_bands(nodata: float | None, dtype: str) -> bool:
    """Tell whether a nodata value marks missing pixels of each band for itself: see `misses_by_band`."""
    return np.dtype(dtype).kind == "f" or (dtype != "uint8" and nodata not in (None, 0))


def _read_own_masks(
    dataset: DatasetReader | WarpedVRT, window: Window, bands: Sequence[int]
) -> NDArray[np.bool_] | None:
    """Return what bands say each for itself, in the form of `read_masks`.

    GDAL heeds alpha beside one or three bands of 8 or 16 bits alone, and not beside nodata; here it always counts.
    """
    flags = [dataset.mask_flag_enums[band - 1] for band in bands]
    shown: NDArray[np.bool_] | None = None
    try:
        if not all(MaskFlags.all_valid in one for one in flags):
            one_for_all = all(MaskFlags.per_dataset in one for one in flags)
            shown = dataset.read_masks(list(bands[:1] if one_for_all else bands), window=window) != 0
        unheeded = [] if any(MaskFlags.alpha in one for one in flags) else alpha_bands(dataset)
        for band in set(unheeded) - set(bands):
            opaque = dataset.read([band], window=window) != 0
            shown = opaque if shown is None else shown & opaque
    except (RasterioError, OSError) as error:
        raise unreadable(dataset, window, error) from error
    return shown


def alpha_bands(dataset: DatasetReader | WarpedVRT) -> tuple[int, ...]:
    """Return the numbers of the bands that only tell how transparent the image is."""
    image = image_bands(dataset)
    return tuple(band for band in dataset.indexes if band not in image)


def image_bands(dataset: DatasetReader | WarpedVRT) -> tuple[int, ...]:
    """Return the numbers of the bands that hold the image: all but alpha bands."""
    kept = tuple(
        number
        for number, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True)
        if meaning != ColorInterp.alpha
    )
    return kept or tuple(dataset.indexes)


def band_names(dataset: DatasetReader, bands: Sequence[int]) -> tuple[str, ...]:
    """Return the name of each band: its description, else its colour where it has one, else "band N"."""
    colours = {ColorInterp.red: "red", ColorInterp.green: "green", ColorInterp.blue: "blue"}
    return tuple(
        dataset.descriptions[band - 1] or colours.get(dataset.colorinterp[band - 1]) or f"band {band}" for band in bands
    )


def blocks(height: int, width: int, rows: int, cols: int) -> Iterator[Window]:
    """Return windows of at most rows x cols pixels that cover a raster, row by row."""
    for row in range(0, height, rows):
        for col in range(0, width, cols):
            yield Window(col, row, min(cols, width - col), min(rows, height - row))


def geotiff_profile(dtype: str, height: int, width: int, count: int) -> dict[str, Any]:
    """Return rasterio creation options for a tiled, compressed GeoTIFF that may exceed 4 GB."""
    return {
        "driver": "GTiff", "dtype": dtype, "height": height, "width": width, "count": count,
        "tiled": True, "blockxsize": FILE_BLOCK, "blockysize": FILE_BLOCK,
        "compress": "deflate", "predictor": 3 if _kind(dtype) == "f" else 2, "bigtiff": "if_safer",
        "interleave": "band" if count > 4 else "pixel",
    }  # fmt: skip


def unreadable(dataset: DatasetReader | WarpedVRT, window: Window, error: Exception) -> InputError:
    """Return the error for pixels that cannot be read."""
    while isinstance(dataset, WarpedVRT):
        dataset = dataset.src_dataset
    return InputError(
        f"The raster {dataset.name} cannot be read around row {int(window.row_off)}, column {int(window.col_off)}: "
        f"{first_line(error)}.",
        "Its server does not answer any more, or the file is damaged: try again, or download it first."
        if is_remote(dataset.name)
        else "The file is damaged or incomplete: copy or download it again.",
    )


def _kind(dtype: str) -> str:
    return "c" if "complex" in dtype or dtype.startswith("c") else np.dtype(dtype).kind
