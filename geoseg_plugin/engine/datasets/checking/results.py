"""Findings as a table and as a layer."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ....contract.events import Report
from ...imagery.paths import name_some
from ...style import write_severity_style
from ..layer import write_in_parts
from .finding import MANY, SEVERITIES, Finding
from .ground_faults import outline
from .survey import Survey

LAYER = "tiles_concerned"
_COLUMNS = ("severity", "finding", "where", "what_to_do", "kind", "tile_count")
_ALL = "the whole dataset"


def write_table(path: Path, findings: Sequence[Finding]) -> None:
    """Write findings as CSV with severity, finding, where, what_to_do, kind and tile_count.

    Spreadsheets cut long cells, so that at most MANY tiles are named; the layer has all.
    """
    # The mark at the start makes spreadsheets take it for UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for one in findings:
            where = name_some(one.tiles, MANY) or _ALL
            writer.writerow((one.severity, one.what, where, one.fix, one.kind, len(one.tiles)))


def write_layer(path: Path, survey: Survey, findings: Sequence[Finding], report: Report) -> None:
    """Write the footprints of all tiles that findings name, with the worst severity and what was found.

    A tile without CRS is written with the coordinates it has; one that cannot be read has no geometry.

    Raises:
        Cancelled: The user has asked to stop.
    """
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        for name in finding.tiles:
            found.setdefault(name, []).append(finding)
    tiles = [tile for tile in survey.tiles if tile.pair.id in found]
    grids = [tile.image.grid for tile in tiles if tile.image is not None]
    crs = next((grid.crs for grid in grids if grid.crs is not None), None)
    polygons = np.full(len(tiles), None, dtype=object)
    polygons[[tile.image is not None for tile in tiles]] = outline(grids, crs, report)
    concerned = [found[tile.pair.id] for tile in tiles]
    columns: dict[str, NDArray[Any]] = {
        "tile": _texts([tile.pair.id for tile in tiles]),
        "scene": _texts([tile.pair.scene or "" for tile in tiles]),
        "split": _texts([tile.pair.split or "" for tile in tiles]),
        "severity": _texts([min((one.severity for one in some), key=SEVERITIES.index) for some in concerned]),
        "findings": _texts(["\n".join(one.what for one in some) for some in concerned]),
        "kinds": _texts([" ".join(one.kind for one in some) for some in concerned]),
    }
    write_in_parts(path, polygons, columns, crs, layer=LAYER)
    write_severity_style(path)


def weights_by_value(classes: ClassTable, weights: NDArray[np.float64]) -> dict[str, float]:
    """Return weights (K,) by class value, with four digits."""
    return {str(value): float(f"{weight:.4g}") for value, weight in zip(classes.values, weights, strict=True)}


def _texts(values: Sequence[str]) -> NDArray[np.object_]:
    return np.array(values, dtype=object)
