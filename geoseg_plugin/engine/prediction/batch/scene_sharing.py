"""Deals many scenes out to processes; each maps its own, and writes their results."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ....contract.events import QuietReport, Report, stop_if_cancelled
from ....contract.stages.many_scenes import PredictScenes
from ....contract.staging import staging_name
from ...processes.starting import is_shared

if TYPE_CHECKING:
    from ...processes.board import Board
    from ...processes.processes import Processes

_POLL_S = 0.1

_Value = TypeVar("_Value")


class Sharing:
    """The scenes of one process that has nobody to share them with.

    Attributes:
        request: What is asked for.
        report: Hears of it.
    """

    def __init__(self, request: PredictScenes, report: Report) -> None:
        self.request = request
        self.report = report

    def decide(self, make: Callable[[], _Value]) -> _Value:
        """Return what the first process makes, in all of them."""
        return make()

    def settle(self, choose: Callable[[PredictScenes], PredictScenes]) -> PredictScenes:
        """Return the request with what the first process has chosen; the others wait for that.

        Args:
            choose: Returns the request with its choices; the first process alone calls it.
        """
        return choose(self.request)

    def deal(self, scenes: Sequence[_Value]) -> Sequence[_Value]:
        """Return those that are to be mapped here."""
        return scenes

    @contextmanager
    def reporting(self, report: Report) -> Iterator[Report]:
        """Give a report of the own share that passes on how far all are; when the block ends, all have come to it."""
        yield report

    def gather(self, value: _Value) -> list[_Value]:
        """Return the values of all processes."""
        return [value]

    def name_devices(self, device: str) -> str:
        """Return what does the work, in words, from the device of this process."""
        return device


class SharingWithOthers(Sharing):
    """The scenes of one of several processes.

    Args:
        request: What is asked for.
        report: What this process reports to.
        processes: All of them.
        board: Where they tell how far they are.
    """

    def __init__(self, request: PredictScenes, report: Report, processes: Processes, board: Board) -> None:
        from ..keeping.shared_reports import WatchfulReport  # late: it needs torch

        told = report if processes.is_first else QuietReport(report)
        own = replace(request, device=str(processes.device), devices=1)
        super().__init__(own, WatchfulReport(told, processes))
        self._processes = processes
        self._board = board

    def decide(self, make: Callable[[], _Value]) -> _Value:
        """Return what the first process makes, in all of them."""
        return self._processes.decide(make)

    def settle(self, choose: Callable[[PredictScenes], PredictScenes]) -> PredictScenes:
        """Return the request with what the first process has chosen, on the device of this one."""
        settled = self._processes.decide(lambda: choose(self.request))
        return replace(settled, device=self.request.device)

    def deal(self, scenes: Sequence[_Value]) -> Sequence[_Value]:
        """Return those that are to be mapped here: every so manieth."""
        return scenes[self._processes.rank :: self._processes.size]

    @contextmanager
    def reporting(self, report: Report) -> Iterator[Report]:
        """Give a report of the own share that passes on how far all are; when the block ends, all have come to it."""
        from ..keeping.shared_reports import BoardReport  # late: it needs torch

        shared = BoardReport(report, self._board)
        yield shared
        self._board.share = 1.0
        while min(self._board.hear()) < 1:
            stop_if_cancelled(self.report)
            shared.progress(1.0)
            time.sleep(_POLL_S)

    def gather(self, value: _Value) -> list[_Value]:
        """Return the values of all processes."""
        return self._processes.gather(value)

    def name_devices(self, device: str) -> str:
        """Return what does the work, in words, from the device of this process."""
        return f"{device} and {self._processes.size - 1} more"


@contextmanager
def open_sharing(request: PredictScenes, report: Report) -> Iterator[Sharing]:
    """Give the share of this process; where it fails, those that it has started end, and leave nothing unfinished.

    Raises:
        RequestError: DEVICES is more than there are.
        GeosegError: Another process has failed.
    """
    if not is_shared(request):
        yield Sharing(request, report)
        return
    from ...processes.board import Board
    from ...processes.joining import join_processes

    process_ids: list[int] = []
    try:
        with (
            join_processes(request, report) as processes,
            Board(processes.store, processes.rank, processes.size) as board,
        ):
            process_ids = processes.gather(os.getpid())
            yield SharingWithOthers(request, report, processes, board)
    finally:
        if request.devices > 1:  # those of torchrun are not ended by this one
            _remove_staging(Path(request.output), set(process_ids) - {os.getpid()})


def _remove_staging(folder: Path, process_ids: set[int]) -> None:
    """Remove the folders in which processes that were ended were building results."""
    for process_id in process_ids:
        for unfinished in list(folder.rglob(staging_name("*", process_id))):
            shutil.rmtree(unfinished, ignore_errors=True)
