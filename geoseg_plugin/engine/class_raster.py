"""Class rasters: class values with nodata, colour table, class names and a style beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader, DatasetWriter

from ..contract.classes import ClassTable
from ..contract.errors import InputError
from .grid import Grid
from .raster import geotiff_profile
from .style import write_category_names, write_raster_style

CLASSES_TAG = "GEOSEG_CLASSES"
REQUEST_TAG = "GEOSEG_REQUEST"


def class_dtype(classes: ClassTable) -> tuple[str, int]:
    """Return the smallest dtype that holds all class values beside an ignore value, and that ignore value."""
    return ("uint8", 255) if max(classes.values, default=0) < 255 else ("uint16", 65535)


def create_class_raster(path: Path, grid: Grid, classes: ClassTable, tags: dict[str, Any]) -> DatasetWriter:
    """Create a class raster to write into, with everything that makes it describe itself.

    Nodata is the ignore value of `class_dtype`. A style (.qml) and the class names (.aux.xml) are written beside it.

    Args:
        path: The GeoTIFF to create.
        grid: Its grid.
        classes: Its classes.
        tags: Further GeoTIFF tags, plain values; other than texts are stored as JSON.

    Returns:
        The open dataset; write (H, W) class values to band 1 and close it.
    """
    dtype, ignore = class_dtype(classes)
    profile = geotiff_profile(dtype, grid.height, grid.width, 1)
    dataset = rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, nodata=ignore, **profile)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in tags.items()}
    dataset.update_tags(**{CLASSES_TAG: json.dumps(classes.to_json()), **texts})
    dataset.set_band_description(1, "class")
    if dtype == "uint8":
        colours = {one.value: (*one.rgb, 255) for one in classes}
        dataset.write_colormap(1, {**colours, ignore: (0, 0, 0, 0)})
    write_raster_style(path, classes)
    write_category_names(path, classes)
    return dataset


def read_class_table(dataset: DatasetReader) -> ClassTable | None:
    """Return the classes that a label raster says it has (GeoSeg's tag), or None where it says nothing.

    Raises:
        InputError: The tag is no class table.
    """
    text = dataset.tags().get(CLASSES_TAG)
    try:
        return ClassTable.from_json(json.loads(text)) if text else None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The classes of {dataset.name} (tag {CLASSES_TAG}) cannot be read: {error!r}.",
            f"Make the raster again, or remove the tag: gdal_edit.py -mo {CLASSES_TAG}= FILE.",
        ) from error


def read_colours(dataset: DatasetReader) -> dict[int, tuple[int, ...]] | None:
    """Return the colour table of a raster, which its first band must have, or None where it has none.

    Colours are red, green, blue and alpha of 0 to 255, by value.
    """
    if dataset.colorinterp[0] != ColorInterp.palette:
        return None
    try:
        return dict(dataset.colormap(1))
    except ValueError:
        return None


def class_indices(label: np.ndarray, classes: ClassTable, ignore_index: int) -> np.ndarray:
    """Turn class values (H, W) into class indices, int64.

    Values outside the table, the file's ignore value among them, become `ignore_index`.
    """
    values = np.asarray(classes.values)
    indices = np.searchsorted(values, label).clip(max=len(values) - 1)
    return np.where(values[indices] == label, indices, ignore_index).astype(np.int64)
