"""All sheets of a dataset, cut one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from ....contract.classes import ClassTable
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...provenance import VERSION_TAG
from ...run import version
from .cutting import Cutter, Job, find_frames
from .describing import count_tries, tell_left_out
from .filters import Filters
from .outcomes import Outcomes
from .sheet import Sheet, SheetImage
from .sheet_image import open_image
from .sources import LabelSource
from .strip_memory import StripMemory
from .tile_files import TileFiles


def cut_sheets(
    request: MakeTiles, sheets: Sequence[Sheet], labels: LabelSource | None, report: Report, *,
    folder: Path | None = None, found: frozenset[str] = frozenset(), memory: StripMemory | None = None,
) -> Outcomes:  # fmt: skip
    """Cut the tiles of all sheets, and measure and judge each.

    Args:
        request: What is wanted.
        sheets: The sheets.
        labels: Their labels, None without.
        report: Hears of the progress, and how many tiles were left out.
        folder: Where tiles are written; None for nowhere.
        found: Names of tiles that an earlier run has written there.
        memory: Keeps what is read, by the number of the sheet; None where nobody wants it.

    Raises:
        InputError: A scene or its labels are damaged, or no tile is left.
        Cancelled: The user has asked to stop.
    """
    classes = ClassTable(()) if labels is None else labels.classes
    outcomes = Outcomes(sheets, len(sheets[0].scene.bands), len(classes))
    total, filters, first = count_tries(sheets), Filters(request, classes), 0
    cutter = Cutter(request, classes, outcomes, found=found, report=report)
    doing = "Reading" if folder is None else "Cutting"
    for number, sheet in enumerate(sheets):
        places, frames = find_frames(sheet, request.edges)
        with open_image(sheet, request) as image, labels.open(sheet) if labels else nullcontext() as truth:
            files = None if folder is None else _tile_files(request, sheet, image, classes, folder)
            keep = None if memory is None else memory.keeper(number)
            job = Job(sheet, first, image, truth, files=files, keep=keep, places=places, frames=frames)
            for tried in cutter.cut(job):
                report.progress(min(1.0, tried / total), f"{doing} {sheet.scene.name}")
        first += len(sheet)
    if labels is not None:
        labels.check_use()
    filters.check(outcomes.of_tile, ", ".join(sheet.scene.path for sheet in sheets[:3]))
    tell_left_out(filters, sheets, outcomes, report)
    return outcomes


def _tile_files(request: MakeTiles, sheet: Sheet, image: SheetImage, classes: ClassTable, folder: Path) -> TileFiles:
    tags = {VERSION_TAG: version()}  # the request is in dataset.json
    return TileFiles(
        folder, sheet.grid, nodata=image.nodata, band_names=sheet.scene.band_names, classes=classes, tags=tags,
        compression=request.compression, lasting=request.resume,
    )  # fmt: skip
