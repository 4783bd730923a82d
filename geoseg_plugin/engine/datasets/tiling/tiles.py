"""The stage that cuts images and labels into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....contract.classes import ClassTable
from ....contract.errors import RequestError
from ....contract.events import Part, Report
from ....contract.stages.datasets import EARLIER, PAD_VALUE, MakeTiles, MakeTilesResult
from ...imagery.writing import is_value_of
from ..dataset import FOOTPRINTS, TRAIN, VALIDATION, write_description
from ..layer import write_footprints
from .describing import announce, describe, warn_of_classes
from .division import divide
from .earlier import adopt_earlier
from .layouts import lay_out
from .resuming import dataset_folder
from .scenes import Scene, find_scenes
from .sheets import cut_sheets
from .sources import LabelSource, find_labels
from .tile_sizes import settle_tile_size

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
    request = settle_tile_size(request, scenes, report)
    labels = find_labels(request, scenes, report)
    classes = ClassTable(()) if labels is None else labels.classes
    _check_fill(request, scenes[0].dtype)
    sheets = lay_out(request, scenes, report)
    with dataset_folder(request, _sources(request, scenes, labels), labelled=labels is not None, report=report) as (
        folder,
        found,
    ):
        announce(request, sheets, classes, report)
        cutting = Part(report, 0.0, _CUTTING_SHARE)
        outcomes = cut_sheets(request, sheets, labels, cutting, folder=folder, found=found)
        report.progress(_CUTTING_SHARE, "Splitting tiles")
        if request.validation == 0 and request.layout != EARLIER:
            report.warn("VALIDATION is 0: without validation tiles nobody can tell how good a model is.")
        divided = divide(request, outcomes, report)
        tiles = divided.table
        report.progress(_CUTTING_SHARE, "Describing tiles")
        write_footprints(folder, tiles, divided.footprints, sheets[0].grid.crs, classes)
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
