"""A prediction that several processes do: each computes its part of the map, and the first writes it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ....contract.errors import InputError, OutputError
from ....contract.events import Part, QuietReport, Report, stop_if_cancelled
from ....contract.stages.prediction import PredictSegmentation
from ...output import parts_folder
from ...processes.board import Board
from ...processes.joining import join_processes
from ...processes.processes import Processes
from ...provenance import digest_models
from ...run import in_own_words
from ..maps import scene_items
from ..pipeline import pump
from ..windows.strips import Sink
from .execution import Run, Work, choices_of, tell_what_is_kept
from .folder import UnfinishedFolder, telling_how_to_go_on, warn_of_unfinished
from .items import find_missing, kept_items, share_done
from .pieces import deal
from .shared_reports import BoardReport, WatchfulReport
from .store import Store

_COMPUTING_END = 0.9
_POLL_S = 0.1
_PATIENCE_S = 5.0

_Value = TypeVar("_Value")


class SharedRun(Run):
    """A prediction as one of several processes sees it.

    Each stores the strips of its part in one folder. When all are there, the first passes them on to the files.

    Args:
        request: What is asked for.
        report: What this process reports to.
        processes: All of them.
        board: Where they tell how far they are.
        stack: Where the first enters what must be left in the end.
    """

    def __init__(
        self, request: PredictSegmentation, report: Report, processes: Processes, board: Board, stack: ExitStack
    ) -> None:
        told = report if processes.is_first else QuietReport(report)
        super().__init__(request, WatchfulReport(told, processes))
        self.is_first = processes.is_first
        self.folder = UnfinishedFolder(request) if request.resume and self.is_first else None
        self._settled: dict[str, Any] = self.folder.settled if self.folder else {}
        self._processes = processes
        self._board = board
        self._stack = stack

    def await_request(self) -> PredictSegmentation:
        """Return what is asked for on the device of this process; all but the first wait until that has chosen."""
        if not self.is_first:
            self._settled = self._processes.decide(dict)
        return replace(self.request, device=str(self._processes.device), devices=1, **self._settled)

    def agree(self, settled: PredictSegmentation) -> None:
        """Tell the others what was chosen, which have waited for it."""
        if self.is_first:
            self._settled = choices_of(settled)
            self._processes.decide(lambda: self._settled)

    def put_through(self, work: Work, sink: Sink, report: Report) -> None:
        """Compute the part of this process, wait for those of the others, and pass all strips on to the sink.

        Raises:
            InputError: The image or the model is not the same for all processes.
            OutputError: The folder of OUTPUT is not the same for all processes.
            Cancelled: The user has asked to stop.
            GeosegError: Whatever reading, network or the sink raise, here or in another process.
        """
        store = self._compute(work, report)
        writing = Part(report, _COMPUTING_END, 1.0)
        pump(kept_items(work.scene, work.coverage, work.regions, store, sink), work.predictor, writing)

    def help(self, work: Work, report: Report) -> None:
        """Compute the part of this process; see `put_through`."""
        self._compute(work, report)

    def name_devices(self, device: str) -> str:
        """Return what does the work, in words."""
        return f"{device} and {self._processes.size - 1} more"

    def conclude(self, make: Callable[[], _Value]) -> _Value:
        """Return what the first process makes at the end, in all of them."""
        return self._processes.decide(make)

    def _compute(self, work: Work, report: Report) -> Store:
        """Compute the part of this process, and return the store when the parts of all are in it."""
        _check_alike(self.request, work, self._processes)
        store = self._open_store(work)
        kept = self._processes.decide(store.windows)
        missing = find_missing(work.scene, work.coverage, work.regions, kept)
        begin = share_done(sum(one.window_count for one in missing), work.regions)
        own = deal(missing, work.coverage, self._processes.size)[self._processes.rank]
        computing = BoardReport(Part(report, begin * _COMPUTING_END, _COMPUTING_END), self._board)
        with self._failing_together(store.folder):
            pump(scene_items(work.scene, work.coverage, own, store), work.predictor, computing)
            self._board.share = 1.0
            self._wait_for_all(computing)
        return store

    def _open_store(self, work: Work) -> Store:
        path = self._processes.decide(lambda: str(self._make_folder(work)))
        store = Store(Path(path), work.scene.class_count)
        if not store.folder.is_dir():
            raise OutputError(
                f"{store.folder}, where all processes put their parts, is not there for process "
                f"{self._processes.rank} (counted from 0).",
                "Put OUTPUT on a disk that all machines share, under the same path.",
            )
        return store

    def _make_folder(self, work: Work) -> Path:
        if self.folder is None:
            return self._stack.enter_context(parts_folder(self.request.output))
        store = self.folder.begin(self._settled, work.scene.class_count)
        tell_what_is_kept(store, work, self.report)
        return store.folder

    @contextmanager
    def _failing_together(self, folder: Path) -> Iterator[None]:
        """Leave no parts behind where the block fails but those that RESUME keeps, and say what failed first."""
        try:
            yield
        except BaseException as error:
            if self.request.resume:
                raise
            gone = not folder.exists()
            # Whoever fails removes the folder: the first process, which has made it, may have been killed.
            shutil.rmtree(folder, ignore_errors=True)
            if gone and isinstance(error, FileNotFoundError):
                self._await_fault()
            raise

    def _await_fault(self) -> None:
        """Raise what another process has failed with, of which it may leave word only a little later."""
        give_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up:
            self._processes.check()
            time.sleep(_POLL_S)

    def _wait_for_all(self, report: Report) -> None:
        while min(self._board.hear()) < 1:
            stop_if_cancelled(report)
            report.progress(1.0)
            time.sleep(_POLL_S)


@contextmanager
def open_shared_run(request: PredictSegmentation, report: Report) -> Iterator[Run]:
    """Give the run of several processes; see `execution.open_run`."""
    # In own words already here, since the others hear of it as soon as this process leaves them.
    with join_processes(request, report) as processes, in_own_words(request), ExitStack() as stack:
        board = stack.enter_context(Board(processes.store, processes.rank, processes.size))
        shared = SharedRun(request, report, processes, board, stack)
        if shared.is_first and not request.resume:
            warn_of_unfinished(request, report)
        with telling_how_to_go_on(shared.folder, report) if shared.folder else nullcontext():
            yield shared
        if shared.folder:
            shared.folder.remove(report)


def _check_alike(request: PredictSegmentation, work: Work, processes: Processes) -> None:
    """Check that all processes, which may run on several machines, see the same image and models."""
    grid = work.scene.grid
    models = digest_models((request.model, *request.further_models))
    seen = processes.gather((models, grid.to_json(), work.scene.frame.flatten(), work.coverage.cols.size))
    for rank, (other_models, *other_place) in enumerate(seen):
        what = "MODEL" if other_models != seen[0][0] else "INPUT" if other_place != list(seen[0][1:]) else ""
        if what:
            raise InputError(
                f"{what} is not the same for process {rank} (counted from 0) as for the first.",
                "Put it where all machines can read it under the same path.",
            )
