"""A vector layer as labels: which class every feature has, and the table of all classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...contract.classes import BACKGROUND_NAME, LARGEST_VALUE, ClassTable
from ...contract.errors import InputError
from ...contract.events import Report
from ..vector import Features, read_features

IGNORED = -1
_MANY_CLASSES = 100
_AREA = 2


@dataclass(frozen=True)
class LabelLayer:
    """Features with their classes.

    Attributes:
        features: The features that can be drawn.
        field: The attribute with their classes, None where they are one class.
        values: Class value of each, or IGNORED where its field is empty.
        classes: All classes of the layer, the background among them unless it is ignored.
        background: Class value of pixels without a label, None where they are to be ignored.
    """

    features: Features
    field: str | None
    values: NDArray[np.int64]
    classes: ClassTable
    background: int | None


def read_label_layer(
    source: str, field: str | None, background: int | None, report: Report, *, areas_only: bool = False
) -> LabelLayer:
    """Read a layer and work out its classes.

    Args:
        source: path, or path|layername=NAME.
        field: Attribute with whole numbers (class values) or texts (class names); None for one class.
        background: Class value of pixels without a label, None to ignore them.
        report: Hears how many features are left out, and why.
        areas_only: Whether lines and points are refused.

    Raises:
        InputError: The layer cannot be read, is empty, or its field holds no usable classes.
    """
    features = read_features(source, [field] if field else [])
    if len(features) == 0:
        raise InputError(f"The layer {source} has no features.", "Choose a layer with labels.")
    features = _drawable(features, report)
    if areas_only and (shapely.get_dimensions(features.geometries) != _AREA).any():
        raise InputError(f"The layer {source} holds lines or points.", "Choose a layer of polygons.")
    if field is None:
        names = {1: features.name}
        values = np.ones(len(features), dtype=np.int64)
    else:
        values, names = _read_classes(features, field, report)
    return LabelLayer(features, field, values, _table(source, names, background), background)


def _drawable(features: Features, report: Report) -> Features:
    missing = shapely.is_missing(features.geometries)
    empty = ~missing & shapely.is_empty(features.geometries)
    kept = ~(missing | empty)
    if not kept.any():
        raise InputError(
            f"None of the {len(features)} features of {features.source} has a geometry.",
            "Choose a layer of polygons, lines or points.",
        )
    if not kept.all():
        report.warn(f"{int((~kept).sum())} of {len(features)} features have no geometry and are left out.")
    columns = {name: column[kept] for name, column in features.columns.items()}
    geometries = _mend(features.geometries[kept], report)
    return Features(features.source, features.name, features.crs, geometries, columns)


def _mend(geometries: NDArray[Any], report: Report) -> NDArray[Any]:
    broken = ~shapely.is_valid(geometries) & (shapely.get_dimensions(geometries) == _AREA)
    if not broken.any():
        return geometries
    report.warn(f"{int(broken.sum())} features with invalid outlines (crossing themselves, say) were mended.")
    mended = geometries.copy()
    mended[broken] = shapely.make_valid(geometries[broken], method="structure", keep_collapsed=False)
    return mended


def _read_classes(features: Features, field: str, report: Report) -> tuple[NDArray[np.int64], dict[int, str]]:
    column = features.columns[field]
    values, names = _text_classes(column) if column.dtype.kind == "O" else _number_classes(features, field)
    if (values == IGNORED).all():
        raise InputError(f"The field '{field}' of {features.source} is empty.", "Choose another field.")
    if len(names) > LARGEST_VALUE:
        raise InputError(
            f"The field '{field}' of {features.source} has {len(names)} different values.",
            f"Choose a field that names a class; there can be {LARGEST_VALUE} at most.",
        )
    if len(names) > _MANY_CLASSES:
        report.warn(f"The field '{field}' has {len(names)} different values: is it really the class?")
    return values, names


def _text_classes(column: NDArray[Any]) -> tuple[NDArray[np.int64], dict[int, str]]:
    texts = ["" if text is None else str(text).strip() for text in column]
    value_of = {name: value for value, name in enumerate(sorted(set(texts) - {""}), start=1)}
    values = np.array([value_of.get(text, IGNORED) for text in texts], dtype=np.int64)
    return values, {value: name for name, value in value_of.items()}


def _number_classes(features: Features, field: str) -> tuple[NDArray[np.int64], dict[int, str]]:
    column = features.columns[field]
    if column.dtype.kind not in "buif":
        raise InputError(
            f"The field '{field}' of {features.source} holds dates or times.", "Choose a field of numbers or texts."
        )
    numbers = column.astype(np.float64)
    known = ~np.isnan(numbers)
    wrong = known & ((numbers != np.round(numbers)) | (numbers < 0) | (numbers > LARGEST_VALUE))
    if wrong.any():
        shown = ", ".join(f"{number:g}" for number in np.unique(numbers[wrong])[:5])
        raise InputError(
            f"The field '{field}' of {features.source} holds {shown} ({int(wrong.sum())} features).",
            f"Class values are whole numbers from 0 to {LARGEST_VALUE}: change them, or use a text field.",
        )
    values = np.where(known, numbers, IGNORED).astype(np.int64)
    return values, {int(value): f"class {value}" for value in np.unique(values[known])}


def _table(source: str, names: dict[int, str], background: int | None) -> ClassTable:
    if background is None:
        return ClassTable.named(names)
    if background in names and names[background] != f"class {background}":
        raise InputError(
            f"BACKGROUND is {background}, which is also the value of '{names[background]}' of {source}.",
            "Choose another background value, or 'ignore'.",
        )
    return ClassTable.named({**names, background: BACKGROUND_NAME})
