"""Where the labels of tiles come from: a label raster, or a vector layer burnt on the way."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.classes import BACKGROUND_NAME, LARGEST_VALUE, ClassTable, LabelClass
from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ...class_raster import class_dtype, read_class_table
from ...imagery.view import View
from ...imagery.writing import is_value_of
from ...labels.burner import Burner
from ...raster import blocks, open_raster, read_window, unreadable

_BLOCK = 2048
_FEW_CLASSES = 12


class RasterTruth:
    """Labels from a label raster; pixels that it marks as nodata, or does not reach, are ignored.

    Args:
        view: The label raster on the grid of a sheet.
        classes: Its classes.
    """

    def __init__(self, view: View, classes: ClassTable) -> None:
        self._view = view
        self._dtype, self._ignore = class_dtype(classes)
        self._values = np.asarray(classes.values)
        self._missing = missing_value(view.source)
        self._stated = np.append(self._values, [] if self._missing is None else [self._missing]).astype(np.int64)

    def read(self, window: Window) -> NDArray[Any]:
        """Return class values (H, W) of a window.

        Raises:
            InputError: The raster is damaged there, or holds a value that is no class.
        """
        masked = self._missing is None or self._view.pixels is not self._view.source
        bands, shown = self._view.read_bands(window, [1], masked=masked)
        label = bands[0]
        if shown is None and self._missing in (None, self._ignore) and _are_among(label, self._stated).all():
            return np.asarray(label, dtype=self._dtype)
        known = np.ones(label.shape, np.bool_) if shown is None else shown[0]
        if self._missing is not None:
            known = known & (label != self._missing)
        strange = known & ~_are_among(label, self._values)
        if strange.any():
            found = ", ".join(f"{value:g}" for value in np.unique(label[strange])[:5])
            raise InputError(
                f"The label raster {self._view.source.name} holds {found}, which its class table does not know.",
                "Make the labels again, or remove the tag GEOSEG_CLASSES.",
            )
        return np.where(known, label, self._ignore).astype(self._dtype, copy=False)


class LayerTruth:
    """Labels from a vector layer, burnt when they are read."""

    def __init__(self, burner: Burner) -> None:
        self._burner = burner

    def read(self, window: Window) -> NDArray[Any]:
        """Return class values (H, W) of a window."""
        return self._burner.burn(window)


def _are_among(label: NDArray[Any], values: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return where a label (H, W) has one of the values; numpy's own way takes much longer for a few."""
    if len(values) > _FEW_CLASSES:
        return np.isin(label, values)
    among = np.zeros(label.shape, np.bool_)
    for value in values.tolist():  # plain numbers, which keep the comparison in the label's data type
        among |= label == value
    return among


def read_label(dataset: DatasetReader, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values (H, W) of a label raster and where they are known (H, W), neither nodata nor NaN.

    Raises:
        InputError: The raster is damaged there.
    """
    label = read_window(dataset, window, [1])[0]
    try:
        known = dataset.read_masks(1, window=window) > 0
    except (RasterioError, OSError) as error:
        raise unreadable(dataset, window, error) from error
    if label.dtype.kind == "f":
        known &= np.isfinite(label)
    return label, known


def missing_value(dataset: DatasetReader) -> int | None:
    """Return the value of whole numbers that alone marks the missing pixels of a label raster, None without."""
    (flags,) = dataset.mask_flag_enums
    nodata = dataset.nodata
    if MaskFlags.nodata not in flags or nodata is None or not is_value_of(nodata, dataset.dtypes[0]):
        return None
    return None if np.dtype(dataset.dtypes[0]).kind == "f" else int(nodata)


def read_classes(paths: Sequence[str], report: Report) -> ClassTable:
    """Return the classes of label rasters: those that they state, or else one for each value that occurs.

    Where they name no class either, 0 is the background.

    Raises:
        InputError: A raster cannot be read, is no label raster, or they state different classes.
    """
    stated: dict[ClassTable | None, str] = {}
    for path in paths:
        with open_raster(path) as dataset:
            _check_label_raster(dataset)
            stated.setdefault(read_class_table(dataset), path)
    if len(stated) > 1:
        raise InputError(
            f"The label rasters {' and '.join(list(stated.values())[:2])} state different classes.",
            "Make all labels with 'Rasterize labels' from one layer and field.",
        )
    table = next(iter(stated))
    return table if table is not None else _find_classes(tuple(dict.fromkeys(paths)), report)


def _check_label_raster(dataset: DatasetReader) -> None:
    if dataset.count != 1:
        raise InputError(
            f"The label raster {dataset.name} has {dataset.count} bands.",
            "A label raster has one band of class values.",
        )


def _find_classes(paths: Sequence[str], report: Report) -> ClassTable:
    values: set[int] = set()
    names = _join_names(paths)
    colours: dict[int, str] = {}
    for path in paths:
        with open_raster(path) as dataset:
            for window in blocks(dataset.height, dataset.width, _BLOCK, _BLOCK):
                stop_if_cancelled(report)
                values |= _values_in(dataset, window)
            colours |= _colours(dataset)
    if not values:
        raise InputError(
            f"The label raster {paths[0]} holds no labels: all pixels are nodata.", "Check its nodata value."
        )
    if 0 in values and not names:
        names = {0: BACKGROUND_NAME}
        report.note(
            f"{paths[0]} names no classes: its value 0 is taken for the background, the others become 'class 1' and so "
            "on. To name classes, make the labels with 'Rasterize labels', or give the raster category names."
        )
    table = ClassTable.named({value: names.get(value, f"class {value}") for value in values})
    return ClassTable(tuple(LabelClass(one.value, one.name, colours.get(one.value, one.colour)) for one in table))


def _values_in(dataset: DatasetReader, window: Window) -> set[int]:
    label, known = read_label(dataset, window)
    values = np.unique(label[known])
    wrong = values[(values < 0) | (values > LARGEST_VALUE) | (values != np.round(values))]
    if len(wrong):
        raise InputError(
            f"The label raster {dataset.name} holds {', '.join(f'{value:g}' for value in wrong[:5])}.",
            f"Class values are whole numbers from 0 to {LARGEST_VALUE}; set its nodata value if this means no data.",
        )
    return {int(value) for value in values}


def _join_names(paths: Sequence[str]) -> dict[int, str]:
    named: dict[int, tuple[str, str]] = {}
    for path in paths:
        for value, name in _category_names(path).items():
            other, first = named.setdefault(value, (name, path)) if name else ("", "")
            if other != name:
                raise InputError(
                    f"The label rasters {first} and {path} state different classes: {value} is '{other}' in the first, "
                    f"'{name}' in the second.",
                    "Give both the same category names.",
                )
    return {value: name for value, (name, _) in named.items()}


def _category_names(path: str) -> dict[int, str]:
    """Return the class names that GDAL keeps beside a raster, which rasterio does not read."""
    sidecar = Path(path + ".aux.xml")
    if not sidecar.is_file():
        return {}
    listing = re.search(r"<CategoryNames>(.*?)</CategoryNames>", sidecar.read_text("utf-8", "replace"), re.DOTALL)
    names = re.findall(r"<Category\s*/>|<Category>(.*?)</Category>", listing.group(1), re.DOTALL) if listing else []
    return {value: html.unescape(name) for value, name in enumerate(names)}


def _colours(dataset: DatasetReader) -> dict[int, str]:
    if dataset.colorinterp[0] != ColorInterp.palette:
        return {}
    table = dataset.colormap(1).items()
    return {value: f"#{red:02x}{green:02x}{blue:02x}" for value, (red, green, blue, alpha) in table if alpha}
