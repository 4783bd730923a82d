"""What is said of a dataset and of its tiles: dataset.json, notes and warnings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....contract.classes import ClassTable
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...class_raster import class_dtype
from ...run import version
from ..class_presence import ALL_TILES, missing_classes
from ..dataset import TRAIN, VALIDATION, Description, band_statistics
from ..tile_table import TileTable
from .filters import Filters, Outcome
from .outcomes import Outcomes
from .resuming import lasting_request
from .scenes import Scene
from .sheet import Sheet

_MANY_TIMES = 20


def describe(
    request: MakeTiles, scenes: Sequence[Scene], sheets: Sequence[Sheet], classes: ClassTable, tiles: TileTable
) -> Description:
    """Return the content of dataset.json."""
    train = tiles.splits == TRAIN
    moments = tiles.moments(train if train.any() else None)
    made = {
        "geoseg": version(),
        "request": lasting_request(request),
        "scenes": [{"name": one.name, "path": one.path, "grid": one.grid.to_json()} for one in scenes],
        "train_tiles": int(train.sum()),
        "validation_tiles": int((tiles.splits == VALIDATION).sum()),
    }
    grid = sheets[0].grid
    return Description(
        tile_size=request.tile_size,
        dtype=scenes[0].dtype,
        classes=classes,
        ignore_value=class_dtype(classes)[1],
        crs=grid.to_json()["crs"],
        pixel_size=grid.pixel_size,
        statistics=band_statistics(scenes[0].band_names, moments),
        made=made,
    )


def count_tries(sheets: Sequence[Sheet]) -> int:
    """Return how many tiles are tried, at least."""
    return sum(len(sheet) if sheet.wanted is None else min(sheet.wanted, len(sheet)) for sheet in sheets)


def announce(request: MakeTiles, sheets: Sequence[Sheet], classes: ClassTable, report: Report) -> None:
    """Say how many tiles will be cut and how large they are."""
    count, pixels, of_images = count_tries(sheets), 0.0, 0
    for sheet in sheets:
        pixels += count_tries([sheet]) * float(sheet.places[:, 2:].prod(axis=1).mean())
        of_images += sheet.grid.height * sheet.grid.width
    scene = sheets[0].scene
    pixel_bytes = len(scene.bands) * np.dtype(scene.dtype).itemsize
    pixel_bytes += np.dtype(class_dtype(classes)[0]).itemsize if len(classes) else 0
    size = f"about {pixels * pixel_bytes / 1e6:,.1f} MB on disk" + " at most" * (request.compression != "none")
    report.note(f"{count} tiles of {request.tile_size} pixels a side are cut, {size}.")
    times = pixels / of_images
    if times > _MANY_TIMES:
        report.warn(
            f"The tiles hold {times:.0f} times the pixels of the images, {size}: check TILE_SIZE "
            f"({request.tile_size} pixels) and OVERLAP ({request.overlap:g} %)."
        )


def tell_left_out(filters: Filters, sheets: Sequence[Sheet], outcomes: Outcomes, report: Report) -> None:
    """Say how many tiles were left out for which reason, and where fewer than wanted were found."""
    left_out = filters.describe(outcomes.of_tile)
    if left_out:
        report.note(f"{left_out} and are left out.")
    short = [
        f"{len(kept)} of {sheet.wanted} in {sheet.scene.name}"
        for sheet, kept in outcomes.kept()
        if sheet.wanted is not None and len(kept) < sheet.wanted
    ]
    if short:
        tried = int((outcomes.of_tile != Outcome.UNTRIED).sum())
        report.warn(
            f"Fewer random tiles were found than COUNT asks for, in {tried} tries: {', '.join(short[:5])}"
            + (", ..." if len(short) > 5 else ".")
        )


def warn_of_classes(classes: ClassTable, tiles: TileTable, report: Report) -> None:
    """Warn of classes that no tile has, or none of a set."""
    if (tiles.counts.sum(axis=0) > 0).sum() < 2:
        report.warn("All labels are of one class: a network can learn nothing from them.")
    for split, names in missing_classes(classes, tiles.counts, tiles.splits).items():
        if split == ALL_TILES:
            report.warn(f"No tile holds {names}.")
        else:
            report.warn(f"No {split} tile holds {names}: give another SEED or a smaller BLOCK_SIZE.")
