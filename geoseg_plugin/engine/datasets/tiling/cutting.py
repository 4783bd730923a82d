"""Cutting sheets into tiles: one thread reads patches, the others cut, measure and write what lies in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.datasets import PAD_VALUE, MakeTiles
from ...class_raster import class_dtype
from ..ahead import map_ahead
from ..measuring import Measures, measure_tile
from ..tile_source import TilePixels
from .edges import Frame, frame_of
from .filters import Filters, Outcome
from .outcomes import Outcomes
from .patches import Patch, PatchReader, Strip
from .sheet import Sheet, SheetImage, Truth
from .tile_files import TileFiles

_PIXELS_AT_ONCE = 2**20
_BYTES_AHEAD = 128 * 1024 * 1024
Judged = list[tuple[int, Outcome, Measures]]
T = TypeVar("T")
Task = tuple[Callable[[], T], int]  # with the bytes of the pixels that it holds, or will read


@dataclass(frozen=True)
class Job:
    """A sheet to be cut.

    Attributes:
        sheet: The sheet.
        first: Number of its first tile among those of all sheets.
        image: Its image.
        truth: Its labels, None without.
        files: Where its tiles go, None where they go nowhere.
        keep: Is given the strips that are read for them, None where nobody wants them.
        places: What must be read for every tile: row, column, height and width inside the grid (N, 4).
        frames: How the tiles that reach over the edge are filled, by their place in the sheet.
    """

    sheet: Sheet
    first: int
    image: SheetImage
    truth: Truth | None
    files: TileFiles | None
    keep: Callable[[Strip], None] | None
    places: NDArray[np.int64]
    frames: dict[int, Frame]


class Cutter:
    """Cuts sheets, tile by tile, and takes down what became of each.

    Args:
        request: What is wanted.
        classes: The classes of the labels, empty without labels.
        outcomes: Hears what became of the tiles.
        found: Names of tiles that an earlier run has written.
        report: Hears of the progress.
    """

    def __init__(
        self, request: MakeTiles, classes: ClassTable, outcomes: Outcomes, *, found: frozenset[str],
        report: Report,
    ) -> None:  # fmt: skip
        self._request = request
        self._values = np.array(classes.values, dtype=np.int64)
        self._ignore = class_dtype(classes)[1]
        self._filters = Filters(request, classes)
        self._outcomes = outcomes
        self._found = found
        self._report = report
        self._tried = 0

    def cut(self, job: Job) -> Iterator[int]:
        """Cut the tiles of a sheet, or as many as it wants, and yield how many of all sheets have been tried so far.

        Raises:
            InputError: The scene or its labels are damaged.
        """
        sheet, start = job.sheet, 0
        missing = len(sheet) if sheet.wanted is None else sheet.wanted
        while missing > 0 and start < len(sheet):
            # No more at once than are still missing, so that none is written that is not wanted in the end.
            batch = np.arange(start, min(start + missing, len(sheet)))
            for tile, outcome, measures in self._cut_batch(job, batch):
                self._outcomes.put(job.first + tile, outcome, measures)
                missing -= outcome == Outcome.KEPT
                self._tried += 1
                yield self._tried
            start += len(batch)

    def _cut_batch(self, job: Job, batch: NDArray[np.int64]) -> Iterator[tuple[int, Outcome, Measures]]:
        there = np.zeros(len(batch), dtype=np.bool_)
        if self._found:
            there[:] = [job.sheet.names[tile] in self._found for tile in batch.tolist()]
        anew = [batch[~there]]
        recovering = (
            (partial(self._recover, job, some), _count_bytes(job, some)) for some in _parts(job, batch[there])
        )
        for judged, failed in self._in_turn(recovering):
            anew.append(np.array(failed, dtype=np.int64))
            yield from judged
        for judged in self._in_turn(self._cuts(job, np.concatenate(anew))):
            yield from judged

    def _in_turn(self, tasks: Iterable[Task[T]]) -> Iterator[T]:
        """Yield what tasks return, in their order, until the user asks to stop."""
        ahead = map_ahead(_call, tasks, self._request.workers, size=itemgetter(1), most=_BYTES_AHEAD)
        with closing(ahead) as results:
            for done in results:
                stop_if_cancelled(self._report)
                yield done

    def _cuts(self, job: Job, tiles: NDArray[np.int64]) -> Iterator[Task[Judged]]:
        reader = PatchReader(job.image, job.truth, _pixel_bytes(job), job.keep)
        for patch in reader.read(job.places, tiles):
            stop_if_cancelled(self._report)
            for some in _parts(job, patch.tiles):
                yield partial(self._cut_some, job, patch, some), _count_bytes(job, some)

    def _cut_some(self, job: Job, patch: Patch, tiles: list[int]) -> Judged:
        judged = []
        for tile in tiles:
            cut = self._complete(job, patch.cut(job.places[tile].tolist()), job.frames.get(tile))
            outcome, measures = self._judge(cut)
            if outcome == Outcome.KEPT and job.files is not None:
                row, col = job.sheet.places[tile, :2].tolist()
                job.files.write(job.sheet.names[tile], row, col, cut)
            judged.append((tile, outcome, measures))
        return judged

    def _complete(self, job: Job, cut: TilePixels, frame: Frame | None) -> TilePixels:
        if self._request.edges == PAD_VALUE:
            return complete_tile(cut, frame, fill=self._request.fill, is_data=True, ignore=self._ignore)
        return complete_tile(cut, frame, fill=job.image.nodata or 0, is_data=False, ignore=self._ignore)

    def _recover(self, job: Job, tiles: list[int]) -> tuple[Judged, list[int]]:
        """Return what is known of tiles that an earlier run has written, and those that must be cut anew."""
        judged, failed = Judged(), []
        for tile in tiles:
            height, width = job.sheet.places[tile, 2:].tolist()
            files, name = job.files, job.sheet.names[tile]
            found = None if files is None else files.read(name, height, width, job.sheet.scene.dtype)
            outcome, measures = (None, None) if found is None else self._judge(found)
            if measures is None or outcome != Outcome.KEPT:
                failed.append(tile)
            else:
                judged.append((tile, outcome, measures))
        return judged, failed

    def _judge(self, tile: TilePixels) -> tuple[Outcome, Measures]:
        measures = measure_tile(tile.image, tile.valid, tile.label, self._values)
        return self._filters.judge(measures, tile.valid.size), measures


def complete_tile(
    cut: TilePixels, frame: Frame | None, *, fill: float, is_data: bool, ignore: int
) -> TilePixels:  # fmt: skip
    """Return a tile as it is written: whole, and its label ignored where there are no data.

    Args:
        cut: Its pixels inside the grid, which are left as they are.
        frame: How a tile that reaches over the edge is filled, None for others.
        fill: The value of image pixels over the edge.
        is_data: Whether these count as data.
        ignore: The label of pixels to be ignored.
    """
    image, valid, label = cut.image, cut.valid, cut.label
    if frame is not None:
        image, valid = frame.complete(image, fill), frame.complete(valid, is_data)
        label = None if label is None else frame.complete(label, ignore)
    if label is not None:
        label = np.array(label)
        if not valid.all():
            label[~valid] = ignore
    return TilePixels(np.ascontiguousarray(image), valid, label)


def find_frames(sheet: Sheet, edges: str) -> tuple[NDArray[np.int64], dict[int, Frame]]:
    """Return what must be read for every tile of a sheet (N, 4), and the frames of those that reach over the edge."""
    places, (height, width) = sheet.places, (sheet.grid.height, sheet.grid.width)
    over = (places[:, :2] < 0).any(axis=1) | (places[:, :2] + places[:, 2:] > (height, width)).any(axis=1)
    if not over.any():
        return places, {}
    places, frames = places.copy(), {}
    for tile in np.flatnonzero(over).tolist():
        row, col, rows, cols = places[tile].tolist()
        frames[tile] = frame_of(Window(col, row, cols, rows), height, width, edges)
        inside = frames[tile].inside
        places[tile] = inside.row_off, inside.col_off, inside.height, inside.width
    return places, frames


def _call(task: Task[T]) -> T:
    return task[0]()


def _pixel_bytes(job: Job) -> int:
    """Return the bytes of a pixel over all bands, with its label and mask."""
    return len(job.sheet.scene.bands) * np.dtype(job.sheet.scene.dtype).itemsize + 2


def _count_bytes(job: Job, tiles: list[int]) -> int:
    return int(job.sheet.places[tiles, 2:].prod(axis=1).sum()) * _pixel_bytes(job)


def _parts(job: Job, tiles: NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield a few tiles at a time: enough to be worth handing over, few enough to be done soon."""
    if len(tiles):
        largest = int(job.sheet.places[tiles, 2:].prod(axis=1).max())
        step = max(1, min(64, _PIXELS_AT_ONCE // largest))
        for start in range(0, len(tiles), step):
            yield tiles[start : start + step].tolist()
