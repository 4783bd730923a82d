"""How far a training has come, by steps or by time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Clock:
    """Counts the steps and the time of a training, over all runs that it takes.

    Args:
        steps: Steps of the whole training.
        limit_s: The time that it may take in seconds; 0 for any.
        spent_s: What is gone of it already.
        now: Gives the time in seconds.
    """

    def __init__(
        self, steps: int, limit_s: float = 0.0, spent_s: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.steps_done = 0
        self._steps = steps
        self._limit_s = limit_s or math.inf
        self._now = now
        self._started = now() - spent_s
        self._reserved_s = 0.0

    def state(self) -> dict[str, float]:
        """Return what `go_on` needs: the seconds that are gone and those that are kept."""
        return {"spent_s": self.spent_s, "reserved_s": self._reserved_s}

    def go_on(self, steps_done: int, state: dict[str, float]) -> None:
        """Add what an earlier run has done, of which `state` told."""
        self.steps_done = steps_done
        self._started -= state["spent_s"]
        self._reserved_s = state["reserved_s"]

    def reserve(self, seconds: float) -> None:
        """Keep so much of the time for what comes after the last step."""
        self._reserved_s = seconds

    @property
    def spent_s(self) -> float:
        """Seconds that the training has taken so far."""
        return self._now() - self._started

    @property
    def left_s(self) -> float:
        """Seconds that are left of the time; infinite where it has no limit."""
        return max(0.0, self._limit_s - self.spent_s)

    @property
    def time_share(self) -> float:
        """The share of the time for steps that is gone, 0 to 1; 0 where it has no limit."""
        return min(1.0, self.spent_s / max(self._limit_s - self._reserved_s, 1e-9))

    @property
    def done(self) -> float:
        """The share of the training that is done, 0 to 1: of the steps or of the time, whichever is more."""
        return max(self.steps_done / self._steps, self.time_share)

    @property
    def is_over(self) -> bool:
        """Whether the time for steps is up."""
        return self.time_share >= 1
