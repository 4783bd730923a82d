"""Pictures of the tiles that findings name: image, label, and both over each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ...class_raster import class_indices
from ...pictures import draw_classes, draw_image, draw_overlay
from ...raster import image_bands, open_raster, read_valid, read_window
from ...report_page import data_uri
from ..tiling.truth import read_label
from .finding import Finding
from .pairs import Pair
from .survey import Survey

_OF_EACH = 3
_IN_ALL = 24
_SIDE = 256
_LARGEST_SIDE = 2048
_NO_CLASS, _IGNORED = -1, -2


@dataclass(frozen=True)
class Panel:
    """One tile in the report: its name and set, and its pictures as data URIs, "" where there is no label."""

    name: str
    split: str
    image: str
    label: str
    overlay: str


def draw_panels(survey: Survey, findings: Sequence[Finding], report: Report) -> dict[str, list[Panel]]:
    """Return the panels of the first few tiles of each finding by its kind, up to a limit for all.

    Raises:
        Cancelled: The user has asked to stop.
    """
    pairs = {tile.pair.id: tile.pair for tile in survey.tiles if not tile.problem}
    shown: dict[str, list[Panel]] = {}
    for kind, names in _choose(findings).items():
        shown[kind] = []
        for name in names:
            stop_if_cancelled(report)
            if name in pairs:
                shown[kind] += _draw(pairs[name], survey)
    return shown


def _choose(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Return which tiles to show for which finding, the worst findings first."""
    chosen: dict[str, list[str]] = {}
    left = _IN_ALL
    for finding in findings:
        chosen[finding.kind] = list(finding.tiles[: min(_OF_EACH, left)])
        left -= len(chosen[finding.kind])
    return chosen


def _draw(pair: Pair, survey: Survey) -> Iterator[Panel]:
    """Draw a tile; nothing where it is damaged after all."""
    try:
        image, valid = _read_image(pair)
        indices = _read_indices(pair, survey) if pair.label is not None else None
    except InputError:
        return
    bands = survey.band_names if len(survey.band_names) == len(image) else ()
    picture = data_uri(draw_image(image, valid, bands))
    if indices is None:
        yield Panel(pair.id, pair.split or "", picture, "", "")
        return
    classes, labelled = survey.classes, indices != _IGNORED
    overlay = ""
    if indices.shape == valid.shape:
        over = labelled & (indices != _background(classes))
        overlay = data_uri(draw_overlay(image, valid, bands, indices=indices, classes=classes, shown=over))
    yield Panel(pair.id, pair.split or "", picture, data_uri(draw_classes(indices, classes, labelled)), overlay)


def _read_image(pair: Pair) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    with open_raster(str(pair.image)) as dataset:
        window, bands = _middle(dataset.height, dataset.width), image_bands(dataset)
        image = read_window(dataset, window, bands)
        step = _step(window)
        return image[:, ::step, ::step], read_valid(dataset, window, image, bands)[::step, ::step]


def _read_indices(pair: Pair, survey: Survey) -> NDArray[np.int64]:
    """Return class indices (H, W), _IGNORED where they are to be ignored, _NO_CLASS where they are no class."""
    with open_raster(str(pair.label)) as dataset:
        window = _middle(dataset.height, dataset.width)
        step = _step(window)
        label, known = (part[::step, ::step] for part in read_label(dataset, window))
    ignored = ~known if survey.pairs.ignore_value is None else label == survey.pairs.ignore_value
    if len(survey.classes):
        indices = class_indices(label, survey.classes, _NO_CLASS)
    else:
        indices = np.full(label.shape, _NO_CLASS, dtype=np.int64)
    return np.where(ignored, _IGNORED, indices)


def _background(classes: ClassTable) -> int:
    """Return the index of the class 0, which would hide the image; one that is no index where there is none."""
    return classes.values.index(0) if 0 in classes.values else len(classes)


def _middle(height: int, width: int) -> Window:
    """Return the window of a raster, or of a large one that of its middle."""
    rows, cols = min(height, _LARGEST_SIDE), min(width, _LARGEST_SIDE)
    return Window((width - cols) // 2, (height - rows) // 2, cols, rows)


def _step(window: Window) -> int:
    """Return of how many rows and columns one is drawn."""
    return max(1, int(max(window.height, window.width)) // _SIDE)
