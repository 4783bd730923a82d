"""What a running stage says: progress, notes, warnings, metrics; and how it hears that it shall stop.

On the wire every event is one JSON object on one line, with its name under `event`:

| event | other keys |
|---|---|
| hello | version, python, pid |
| progress | percent (0 to 100), text (may be empty) |
| log | level (info, warning, debug), text |
| metric | name, value, step |
| result | values (the Result dataclass as plain values) |
| error | kind, message, fix, trace |
| cancelled | kind, message, fix |

The host sends one request line (`contract.stages.to_json`) and may later send the line `cancel`.
"""

from __future__ import annotations

from typing import Protocol

from .errors import Cancelled

HELLO = "hello"
PROGRESS = "progress"
LOG = "log"
METRIC = "metric"
RESULT = "result"
ERROR = "error"
CANCELLED = "cancelled"

CANCEL_LINE = "cancel"


class Report(Protocol):
    """Where a stage sends what it has to say while it runs. Calls are cheap and thread-safe."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how much of the stage is done (0 to 1) and, if it changed, what is being done."""

    def note(self, text: str) -> None:
        """Say something worth reading in the log."""

    def warn(self, text: str) -> None:
        """Say something that the user should act on."""

    def detail(self, text: str) -> None:
        """Say something that only helps to find a fault."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Give one figure of one step (an epoch, say)."""

    def is_cancelled(self) -> bool:
        """Tell whether the user has asked to stop."""


def stop_if_cancelled(report: Report) -> None:
    """Raise Cancelled when the user has asked to stop; call it at least every second of work."""
    if report.is_cancelled():
        raise Cancelled


class PassedOn:
    """A report that passes everything on to another one; what shall be otherwise, subclasses override.

    Args:
        report: Hears it.
    """

    def __init__(self, report: Report) -> None:
        self._report = report

    def progress(self, fraction: float, text: str = "") -> None:
        """Pass on how much is done."""
        self._report.progress(fraction, text)

    def note(self, text: str) -> None:
        """Pass on what is worth reading."""
        self._report.note(text)

    def warn(self, text: str) -> None:
        """Pass on what the user should act on."""
        self._report.warn(text)

    def detail(self, text: str) -> None:
        """Pass on what only helps to find a fault."""
        self._report.detail(text)

    def metric(self, name: str, value: float, step: int) -> None:
        """Pass on a figure."""
        self._report.metric(name, value, step)

    def is_cancelled(self) -> bool:
        """Tell whether the user has asked to stop."""
        return self._report.is_cancelled()


class Part(PassedOn):
    """A share of another report's progress, for a step of a longer job.

    Args:
        whole: The report of the whole job.
        start: Fraction of the whole at which this part begins (0 to 1).
        end: Fraction of the whole at which this part ends (0 to 1).
    """

    def __init__(self, whole: Report, start: float, end: float) -> None:
        super().__init__(whole)
        self._start = start
        self._span = end - start

    def progress(self, fraction: float, text: str = "") -> None:
        """Pass the progress on, squeezed into this part's share."""
        self._report.progress(self._start + self._span * min(max(fraction, 0.0), 1.0), text)


class QuietReport:
    """A report that nobody hears, as where another process says the same, or it has been said before.

    Args:
        report: Asked whether to stop.
    """

    def __init__(self, report: Report) -> None:
        self.is_cancelled = report.is_cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing."""

    def detail(self, text: str) -> None:
        """Say nothing."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Say nothing."""
