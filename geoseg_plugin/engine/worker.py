"""The worker process: one request in on standard input, events out on standard output, as `contract.events` says."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
import threading
import traceback
from typing import IO, Any

from ..contract import events
from ..contract.errors import Cancelled, GeosegError, own_fault
from ..contract.stages import from_json
from .output import discard_all
from .run import run, version

GRACE_AFTER_LOST_HOST_S = 5.0


class WorkerReport:
    """A Report that sends every call as one line of JSON."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._percent = -1.0

    def send(self, event: str, **values: Any) -> None:
        """Write one event. When the host has gone, go on quietly: the watcher of standard input stops the work."""
        line = json.dumps({"event": event, **values})
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:
                # Windows has no BrokenPipeError for this.
                self._cancelled.set()

    def cancel(self) -> None:
        """Ask the stage to stop."""
        self._cancelled.set()

    def progress(self, fraction: float, text: str = "") -> None:
        """Send the progress when it has grown by a thousandth or has a new text; it never goes back."""
        percent = round(100 * min(max(fraction, 0.0), 1.0), 1)
        if text or percent > self._percent:
            self._percent = max(self._percent, percent)
            self.send(events.PROGRESS, percent=self._percent, text=text)

    def note(self, text: str) -> None:
        """Send a line for the log."""
        self.send(events.LOG, level="info", text=text)

    def warn(self, text: str) -> None:
        """Send a warning for the log."""
        self.send(events.LOG, level="warning", text=text)

    def detail(self, text: str) -> None:
        """Send a line for those who look for a fault."""
        self.send(events.LOG, level="debug", text=text)

    def metric(self, name: str, value: float, step: int) -> None:
        """Send a figure."""
        self.send(events.METRIC, name=name, value=value, step=step)

    def is_cancelled(self) -> bool:
        """Tell whether the host has cancelled, or has gone."""
        return self._cancelled.is_set()


def serve() -> int:
    """Serve one request and return the exit code: 0 with a result, 1 without."""
    report = WorkerReport(_claim_stdout())
    report.send(events.HELLO, version=version(), python=platform.python_version(), pid=os.getpid())
    line = sys.stdin.readline()
    threading.Thread(target=_watch_stdin, args=(report,), daemon=True).start()
    try:
        result = run(from_json(json.loads(line)), report)
    except Cancelled as cancelled:
        report.send(events.CANCELLED, **cancelled.to_json())
        return 1
    except GeosegError as error:
        report.send(events.ERROR, **error.to_json())
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, the host must hear of it
        report.send(events.ERROR, **own_fault(error).to_json(), trace=traceback.format_exc())
        return 1
    report.send(events.RESULT, values=dataclasses.asdict(result))
    return 0


def _claim_stdout() -> IO[str]:
    """Keep standard output for events: whatever else prints, in Python or in C, goes to standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    return stream


def _watch_stdin(report: WorkerReport) -> None:
    """Cancel on the line `cancel`; when the host has gone, cancel too and leave by force if that takes too long."""
    for line in sys.stdin:
        if line.strip() == events.CANCEL_LINE:
            report.cancel()
    report.cancel()
    threading.Event().wait(GRACE_AFTER_LOST_HOST_S)
    discard_all()
    os._exit(1)
