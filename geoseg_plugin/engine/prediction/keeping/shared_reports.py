"""What several processes that do one prediction report."""

from __future__ import annotations

import time

from ....contract.events import PassedOn, Report
from ...processes.board import Board
from ...processes.processes import Processes

_EVERY_S = 0.5


class WatchfulReport(PassedOn):
    """A report that ends the work as soon as another process has failed.

    Args:
        report: What this process reports to.
        processes: All of them.
    """

    def __init__(self, report: Report, processes: Processes) -> None:
        super().__init__(report)
        self._processes = processes
        self._checked_at = 0.0

    def is_cancelled(self) -> bool:
        """Tell whether this process was asked to stop.

        Raises:
            GeosegError: What another process has failed with.
        """
        now = time.monotonic()
        if now - self._checked_at > _EVERY_S:
            self._checked_at = now
            self._processes.check()
        return self._report.is_cancelled()


class BoardReport(PassedOn):
    """A report that tells the other processes how far this one is, and reports how far all of them are.

    Args:
        report: Hears of all of them.
        board: Where they tell it.
    """

    def __init__(self, report: Report, board: Board) -> None:
        super().__init__(report)
        self._board = board
        self._heard_at = 0.0

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell the own share; report that of all."""
        # Only when all its strips are there a process has done its part.
        self._board.share = max(self._board.share, min(fraction, 0.999))
        now = time.monotonic()
        if text or now - self._heard_at > _EVERY_S:
            self._heard_at = now
            shares = self._board.hear()
            self._report.progress(sum(shares) / len(shares), text)
