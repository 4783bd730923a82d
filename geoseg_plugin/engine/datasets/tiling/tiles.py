"""The stage that cuts images and labels into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.datasets import PAD_VALUE, MakeTiles, MakeTilesResult
from ...imagery.writing import is_value_of
from ...provenance import VERSION_TAG
from ...run import version
from ..dataset import FOOTPRINTS, TRAIN, VALIDATION, write_description
from ..footprints import Footprints
from ..ground import Ground, is_placed, number_planes
from ..layer import write_footprints
from ..splitting.ground_split import split_on_ground
from ..tile_table import TileTable
from .cutting import Cutter, Job, find_frames
from .describing import announce, describe, tell_left_out, warn_of_classes
from .earlier import adopt_earlier
from .filters import Filters
from .layouts import lay_out
from .outcomes import Outcomes
from .resuming import dataset_folder
from .scenes import Scene, find_scenes
from .sheet import Sheet
from .sheet_image import open_image
from .sources import LabelSource, find_labels
from .tile_files import TileFiles

_CUTTING_SHARE = 0.95


def make_tiles(request: MakeTiles, report: Report) -> MakeTilesResult:
    """Cut IMAGES and LABELS into tiles, split them, and describe them.

    Raises:
        InputError: An input cannot be read or does not fit the others, no tile is left, or they cannot be split.
        RequestError: LABELS mixes kinds, or FILL is no value of the images.
        OutputError: OUTPUT is not empty, or cannot be written.
    """
    request = adopt_earlier(request, report)
    scenes = find_scenes(request, report)
    labels = find_labels(request, scenes, report)
    classes = ClassTable(()) if labels is None else labels.classes
    _check_fill(request, scenes[0].dtype)
    sheets = lay_out(request, scenes, report)
    with dataset_folder(request, _sources(request, scenes, labels), labelled=labels is not None, report=report) as (
        folder,
        found,
    ):
        outcomes = _cut_all(request, sheets, labels, folder, found=found, report=report)
        report.progress(_CUTTING_SHARE, "Splitting tiles")
        tiles, footprints = outcomes.table(), _outline(outcomes)
        tiles = tiles.with_splits(_split(request, outcomes, tiles, footprints, report))
        report.progress(_CUTTING_SHARE, "Describing tiles")
        write_footprints(folder, tiles, footprints, sheets[0].grid.crs, classes)
        write_description(folder, describe(request, scenes, sheets, classes, tiles))
    if labels is not None:
        warn_of_classes(classes, tiles, report)
    train, held_out = int((tiles.splits == TRAIN).sum()), int((tiles.splits == VALIDATION).sum())
    report.note(f"{train} training tiles, {held_out} validation tiles.")
    return MakeTilesResult(
        output=request.output, tiles=str(Path(request.output) / FOOTPRINTS), tile_count=len(tiles),
        train_count=train, validation_count=held_out,
    )  # fmt: skip


def _check_fill(request: MakeTiles, dtype: str) -> None:
    if request.edges == PAD_VALUE and not is_value_of(request.fill, dtype):
        raise RequestError(
            f"FILL is {request.fill:g}, which is no value of {dtype}, the data type of the images.",
            "Give a value that pixels can have.",
        )


def _sources(request: MakeTiles, scenes: Sequence[Scene], labels: LabelSource | None) -> tuple[str, ...]:
    """Return everything that tiles are made from."""
    others = [request.coverage, f"{request.earlier}/{FOOTPRINTS}" if request.earlier else None]
    of_labels = () if labels is None else labels.paths
    return (*(scene.path for scene in scenes), *of_labels, *(path for path in others if path))


def _cut_all(
    request: MakeTiles, sheets: Sequence[Sheet], labels: LabelSource | None, folder: Path, *,
    found: frozenset[str], report: Report,
) -> Outcomes:  # fmt: skip
    classes = ClassTable(()) if labels is None else labels.classes
    outcomes = Outcomes(sheets, len(sheets[0].scene.bands), len(classes))
    total, filters, first = announce(request, sheets, classes, report), Filters(request, classes), 0
    tags = {VERSION_TAG: version()}  # the request is in dataset.json
    cutter = Cutter(request, classes, outcomes, found=found, report=report)
    for sheet in sheets:
        places, frames = find_frames(sheet, request.edges)
        with open_image(sheet, request) as image, labels.open(sheet) if labels else nullcontext() as truth:
            files = TileFiles(
                folder, sheet.grid, nodata=image.nodata, band_names=sheet.scene.band_names, classes=classes,
                tags=tags, compression=request.compression, lasting=request.resume,
            )  # fmt: skip
            for tried in cutter.cut(Job(sheet, first, image, truth, files, places, frames)):
                report.progress(_CUTTING_SHARE * min(1.0, tried / total), f"Cutting {sheet.scene.name}")
        first += len(sheet)
    if labels is not None:
        labels.check_use()
    filters.check(outcomes.of_tile, ", ".join(sheet.scene.path for sheet in sheets[:3]))
    tell_left_out(filters, sheets, outcomes, report)
    return outcomes


def _outline(outcomes: Outcomes) -> Footprints:
    parts = tuple((sheet.grid, sheet.places[kept]) for sheet, kept in outcomes.kept())
    return Footprints(parts, outcomes.sheets[0].grid.crs)


def _split(
    request: MakeTiles, outcomes: Outcomes, tiles: TileTable, footprints: Footprints, report: Report
) -> NDArray[np.object_]:
    sheets = outcomes.sheets
    given = [sheet.splits[kept] for sheet, kept in outcomes.kept() if sheet.splits is not None]
    if len(given) == len(sheets):
        return np.concatenate(given)
    if request.validation == 0:
        report.warn("VALIDATION is 0: without validation tiles nobody can tell how good a model is.")
        return tiles.splits
    _check_several(request, sheets, tiles)
    placed = np.concatenate([np.full(len(kept), is_placed(sheet.grid)) for sheet, kept in outcomes.kept()])
    ground = Ground.of(
        footprints.outlines(), number_planes(tiles.scenes, placed), np.column_stack([tiles.heights, tiles.widths]),
        pixel_size=sheets[0].grid.pixel_size,
    )  # fmt: skip
    return split_on_ground(
        tiles, ground,
        shares={VALIDATION: request.validation}, tile_size=request.tile_size, block_size=request.block_size,
        seed=request.seed, report=report,
    )  # fmt: skip


def _check_several(request: MakeTiles, sheets: Sequence[Sheet], tiles: TileTable) -> None:
    grid, side = sheets[0].grid, request.tile_size
    if len(tiles) == len(sheets) == 1 and max(grid.height, grid.width) <= side:
        raise InputError(
            f"TILE_SIZE is {side}, but {sheets[0].scene.path} has only {grid.width} x {grid.height} pixels: one tile "
            "holds all of it, and nothing is left for validation.",
            "Give a smaller TILE_SIZE or more images, or set VALIDATION to 0.",
        )
