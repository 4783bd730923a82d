"""The pulse of a long training: cancels in time, and says how fast it goes and how long it still takes."""

from __future__ import annotations

import time

from ...contract.events import Report, stop_if_cancelled
from .clock import Clock

_EVERY_S = 0.5


class Pulse:
    """Follows the work and reports it.

    Args:
        report: Where progress goes.
        work: All that is to be done, in any unit.
        clock: Of the training, whose time may be up before all the work is done.
    """

    def __init__(self, report: Report, work: int, clock: Clock) -> None:
        self._report = report
        self._work = work
        self._clock = clock
        self._done = self._skipped = 0
        self._tiles = 0
        self._rate = self._share = 0.0
        self._name = ""
        self._first = self._last = self._started = time.monotonic()

    def skip(self, work: int) -> None:
        """Note work that an earlier run has done."""
        self._done = self._skipped = work

    def start(self, name: str) -> None:
        """Begin a phase, in which the rate is measured anew."""
        is_first = not self._name
        self._name, self._tiles, self._started = name, 0, time.monotonic()
        if is_first:  # what went before tells nothing of the time that is left
            self._first = self._last = self._started

    def beat(self, work: int, tiles: int = 0) -> bool:
        """Note work done and, every half second, report it.

        Args:
            work: How much was done, in the unit of the whole.
            tiles: How many tiles the network has learned from meanwhile.

        Returns:
            Whether it reported.

        Raises:
            Cancelled: The user has asked to stop.
        """
        stop_if_cancelled(self._report)
        now = time.monotonic()
        self._done += work
        self._tiles += tiles
        if tiles and now > self._started:  # the clock of Windows stands still for 16 ms at a time
            self._rate = self._tiles / (now - self._started)
        if now - self._last < _EVERY_S:
            return False
        self._last = now
        left = (now - self._first) * (self._work - self._done) / (self._done - self._skipped)
        left = min(left, self._clock.left_s)
        rate = f"{self._rate:.1f} tiles/s, " if self._rate else ""
        # The share of the time falls again where less of it turns out to be needed after the last step.
        self._share = max(self._share, self._done / self._work, self._clock.time_share)
        self._report.progress(self._share, f"{self._name}: {rate}{in_words(left)} left")
        return True


def in_words(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
