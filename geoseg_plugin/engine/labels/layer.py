"""Vector layers as labels: which class every feature has, which feature is seen, and the table of all classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...contract.class_list import ClassList
from ...contract.classes import ClassTable
from ...contract.errors import InputError
from ...contract.events import Report, stop_if_cancelled
from ...contract.stages.labels import EARLIER, IGNORE, LARGER_VALUE, LATER, REFUSE, SMALLER
from ..grid import Grid
from ..vector import Features, read_features
from .buffers import widen
from .classes import classify, make_table

_AREA = 2
_POLYGONS = shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON


@dataclass(frozen=True)
class LabelRules:
    """How features become labels.

    Attributes:
        field: Attribute with whole numbers (class values) or texts (class names); None where each layer is one class.
        background: Class value of pixels without a label, None to ignore them.
        classes: The classes and what means them; None to take them from the field.
        nulls: What becomes of features whose field is empty: one of RULES.
        unknown: What becomes of those that `classes` does not know: one of RULES.
        overlaps: Which feature of a layer is seen: one of OVERLAP_RULES.
        buffer: How far lines and points reach on each side, in metres on the ground, or in map units without a CRS.
        like: The grid of the image: features that do not reach it need no buffer. None to give one to all.
    """

    field: str | None = None
    background: int | None = 0
    classes: ClassList | None = None
    nulls: str = IGNORE
    unknown: str = REFUSE
    overlaps: str = LATER
    buffer: float = 0.0
    like: Grid | None = None


@dataclass(frozen=True)
class LabelLayer:
    """Features of one or several layers with their classes, N over all layers, in the order of the layers.

    Attributes:
        layers: The layers from top to bottom, each with the features that can be drawn.
        field: The attribute with their classes, None where each layer is one class.
        values: Class value of each feature (N,), or IGNORED.
        numbers: Number of each feature (N,): its place over all layers, from 1, those that cannot be drawn counted too.
        order: Positions (N,) of the features as they are drawn, each over those before it.
        nulls: Whether the field of a feature is empty (N,).
        unknown: Whether it holds what is no class (N,).
        texts: What it holds (N,), "" where it is empty.
        classes: All classes, the background among them unless it is ignored.
        background: Class value of pixels without a label, None where they are to be ignored.
    """

    layers: tuple[Features, ...]
    field: str | None
    values: NDArray[np.int64]
    numbers: NDArray[np.int64]
    order: NDArray[np.int64]
    nulls: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    texts: NDArray[np.object_]
    classes: ClassTable
    background: int | None

    @property
    def source(self) -> str:
        """Where the features come from, for messages."""
        return ", ".join(features.source for features in self.layers)

    def with_classes(self, classes: ClassTable) -> LabelLayer:
        """Return the same with another table, which holds all classes of this one."""
        return replace(self, classes=classes)


def read_label_layer(source: str, field: str | None, background: int | None, report: Report) -> LabelLayer:
    """Read one layer by simple rules: see `read_label_layers`."""
    return read_label_layers([source], LabelRules(field, background), report)


def read_areas(source: str, report: Report) -> LabelLayer:
    """Read a layer of polygons, which all become class 1 before the background 0.

    Raises:
        InputError: The layer cannot be read, is empty, or holds lines or points.
    """
    layer = read_label_layers([source], LabelRules(), report)
    if (shapely.get_dimensions(layer.layers[0].geometries) != _AREA).any():
        raise InputError(f"The layer {source} holds lines or points.", "Choose a layer of polygons.")
    return layer


def read_label_layers(sources: Sequence[str], rules: LabelRules, report: Report) -> LabelLayer:
    """Read layers and work out their classes.

    Args:
        sources: path, or path|layername=NAME, of each layer from top to bottom.
        rules: How features become labels.
        report: Hears how many features are left out, and why.

    Raises:
        InputError: A layer cannot be read, is empty, or its field holds no usable classes.
    """
    layers, numbers, first = [], [], 1
    for source in sources:
        stop_if_cancelled(report)
        features = read_features(source, [rules.field] if rules.field else [])
        if len(features) == 0:
            raise InputError(f"The layer {source} has no features.", "Choose a layer with labels.")
        drawable = _find_drawable(features, report)
        numbers.append(first + np.flatnonzero(drawable))
        first += len(features)
        layers.append(_prepare(features, drawable, rules, report))
    found = classify(layers, rules.field, rules.classes)
    found.check(layers, rules.field, nulls_refused=rules.nulls == REFUSE, unknown_refused=rules.unknown == REFUSE)
    values = found.resolve(rules.background, nulls=rules.nulls, unknown=rules.unknown)
    table = make_table(found, rules.classes, rules.background, layers[0].source, report)
    order = _draw_order(layers, values, rules.overlaps)
    joined = np.concatenate(numbers).astype(np.int64)
    return LabelLayer(
        tuple(layers), rules.field, values, joined, order, found.nulls, found.unknown, found.texts, table,
        rules.background,
    )  # fmt: skip


def _find_drawable(features: Features, report: Report) -> NDArray[np.bool_]:
    drawable = np.asarray(~(shapely.is_missing(features.geometries) | shapely.is_empty(features.geometries)))
    if not drawable.any():
        raise InputError(
            f"None of the {len(features)} features of {features.source} has a geometry.",
            "Choose a layer of polygons, lines or points.",
        )
    if not drawable.all():
        report.warn(f"{int((~drawable).sum())} of {len(features)} features have no geometry and are left out.")
    return drawable


def _prepare(features: Features, kept: NDArray[np.bool_], rules: LabelRules, report: Report) -> Features:
    columns = {name: column[kept] for name, column in features.columns.items()}
    geometries = _mend(features.geometries[kept], report)
    if rules.buffer > 0:
        if np.isin(shapely.get_type_id(geometries), _POLYGONS).all():
            report.warn(f"BUFFER has no effect on {features.source}, which holds polygons alone.")
        geometries = widen(geometries, features.crs, rules.buffer, report, rules.like)
    elif (thin := int((shapely.get_dimensions(geometries) < _AREA).sum())) > 0:
        report.note(
            f"{thin} lines or points of {features.source} are burnt one pixel wide; 'Rasterize labels' can widen them "
            "by a BUFFER."
        )
    return Features(features.source, features.name, features.crs, geometries, columns)


def _mend(geometries: NDArray[Any], report: Report) -> NDArray[Any]:
    broken = ~shapely.is_valid(geometries) & (shapely.get_dimensions(geometries) == _AREA)
    if not broken.any():
        return geometries
    report.warn(f"{int(broken.sum())} features with invalid outlines (crossing themselves, say) were mended.")
    mended = geometries.copy()
    mended[broken] = shapely.make_valid(geometries[broken], method="structure", keep_collapsed=False)
    return mended


def _draw_order(layers: Sequence[Features], values: NDArray[np.int64], overlaps: str) -> NDArray[np.int64]:
    """Return the positions of all features as they are drawn: the bottom layer first, within layers by the rule.

    Where the rule sees no difference, later features cover earlier ones.
    """
    depths = np.repeat(np.arange(len(layers)), [len(features) for features in layers])
    places = np.arange(len(values))
    keys: dict[str, NDArray[Any]] = {LATER: places, EARLIER: -places, LARGER_VALUE: values}
    if overlaps == SMALLER:
        keys[SMALLER] = -np.concatenate([shapely.area(features.geometries) for features in layers])
    return np.asarray(np.lexsort((places, keys[overlaps], -depths)), dtype=np.int64)
