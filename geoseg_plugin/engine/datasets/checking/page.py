"""The page of a check: findings with pictures, classes, sets, and the range of every band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ....contract.events import Report
from ...imagery.paths import name_some
from ...pictures import NO_CLASS_COLOUR
from ...report_page import write_page
from ...run import version
from ...style import SEVERITY_COLOURS, SPLIT_COLOURS
from ..dataset import SPLITS
from .class_balance import class_weights, training_counts
from .facts import ImageFacts
from .finding import MANY, Finding, count_severities, figure, in_words
from .panels import draw_panels
from .survey import Survey

_TEMPLATE = "dataset_check.html.j2"
_MOST_SCENES = 20
_REST = "other scenes"


@dataclass(frozen=True)
class ClassRow:
    """A class in the report: pixels and share of all tiles, tiles it is in, and its weight from training tiles."""

    name: str
    value: int
    colour: str
    pixels: int
    share: float
    tiles: int
    weight: float


@dataclass(frozen=True)
class SplitRow:
    """A set in the report: its tiles, labelled pixels, and the share of each class among them."""

    name: str
    colour: str
    tiles: int
    pixels: int
    shares: list[float]


@dataclass(frozen=True)
class RangeRow:
    """A band of a scene: its values as text, and as places from 0 to 100 between the extremes of the band."""

    scene: str
    tiles: int
    figures: list[str]
    places: list[float]


def write_check_page(path: Path, survey: Survey, findings: Sequence[Finding], report: Report) -> None:
    """Write the report of a check.

    Raises:
        Cancelled: The user has asked to stop.
    """
    counts = count_severities(findings)
    values = {
        "folder": str(survey.pairs.folder),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "version": version(),
        "tiles": len(survey.pairs.pairs),
        "labelled": survey.pairs.labelled,
        "summary": in_words(counts),
        "counts": counts,
        "colours": SEVERITY_COLOURS,
        "no_class": NO_CLASS_COLOUR,
        "findings": findings,
        "panels": draw_panels(survey, findings, report),
        "where": {finding.kind: name_some(finding.tiles, MANY) for finding in findings},
        "classes": _class_rows(survey),
        "splits": _split_rows(survey),
        "ranges": _band_ranges(survey),
    }
    write_page(path, _TEMPLATE, values)


def _class_rows(survey: Survey) -> list[ClassRow]:
    pixels, tiles = survey.counts.sum(axis=0), (survey.counts > 0).sum(axis=0)
    weights = class_weights(training_counts(survey))
    total = max(1, int(pixels.sum()))
    return [
        ClassRow(
            one.name, one.value, one.colour, int(pixels[k]), float(pixels[k] / total), int(tiles[k]), float(weights[k])
        )
        for k, one in enumerate(survey.classes)
    ]


def _split_rows(survey: Survey) -> list[SplitRow]:
    if not survey.pairs.has_splits:
        return []
    rows = []
    for name in SPLITS:
        pixels = survey.counts[survey.chosen(name)].sum(axis=0)
        number = sum(pair.split == name for pair in survey.pairs.pairs)
        shares = (pixels / max(1, pixels.sum())).tolist()
        rows.append(SplitRow(name, SPLIT_COLOURS[name], number, int(pixels.sum()), shares))
    return rows


def _band_ranges(survey: Survey) -> dict[str, list[RangeRow]]:
    """Return the rows of each band by its name: one for each scene, and for many scenes one for the last of them."""
    scenes: dict[str, list[ImageFacts]] = {}
    for pair, one in survey.alike:
        name = pair.scene or "all tiles"
        scenes.setdefault(name if name in scenes or len(scenes) < _MOST_SCENES else _REST, []).append(one)
    ranges = {name: np.array([_range(images, band) for images in scenes.values()]) for band, name in _bands(survey)}
    return {
        name: [
            RangeRow(scene, len(scenes[scene]), [figure(float(f"{value:.5g}")) for value in row], places)
            for scene, row, places in zip(scenes, rows, _places(rows), strict=True)
        ]
        for name, rows in ranges.items()
        if len(rows)
    }


def _bands(survey: Survey) -> list[tuple[int, str]]:
    return [(band, f"{band + 1}: {name}") for band, name in enumerate(survey.band_names[: survey.band_count])]


def _range(images: Sequence[ImageFacts], band: int) -> list[float]:
    """Return minimum, 2nd percentile, median, 98th percentile and maximum; those between are medians over the tiles."""
    between = [float(np.median([getattr(one, name)[band] for one in images])) for name in ("low", "middle", "high")]
    return [min(one.minimum[band] for one in images), *between, max(one.maximum[band] for one in images)]


def _places(rows: np.ndarray) -> list[list[float]]:
    low, high = rows[:, 0].min(), rows[:, -1].max()
    return ((rows - low) / max(high - low, 1e-12) * 100).round(2).tolist()  # type: ignore[no-any-return]
