"""One run of the engine: starts a worker, passes the request on, relays what it says, and clears up after it.

Standard library alone: also used where there is no QGIS.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Dict, Optional

from ..contract import events
from ..contract.errors import Cancelled, EngineError, error_from_json
from ..contract.events import Report
from ..contract.fields import OUTPUT_KINDS, Kind, fields_of
from ..contract.stages import to_json
from ..contract.stages.stage import Stage
from ..contract.staging import staging_name, unfinished_name
from .environment import ENTRY
from .process import Worker, explain_exit

POLL_S = 0.1
# A cancelled worker is killed after this silence; while it still speaks (it saves the best model, say) it has longer.
GRACE_S = 3.0
LONGEST_GRACE_S = 20.0
EXIT_S = 10.0

# How often nothing may be heard from a worker that has ended before it counts as silent.
_SILENT_POLLS = 10

_TAIL_BYTES = 8000
_TAIL_LINES = 4


def run_job(request: Stage, report: Report, python: Path, entry: Path = ENTRY) -> Any:
    """Run a request in a worker process and return its Result dataclass.

    The report is called from the calling thread alone. Whatever happens, no worker and no unfinished file stays behind.

    Args:
        request: What to do.
        report: Hears what the worker says, and is asked whether to stop.
        python: The engine's Python program.
        entry: The script or folder that Python runs, with the argument `worker`.

    Raises:
        GeosegError: The worker failed with this error, or died.
        Cancelled: It was cancelled and has nothing to give.
    """
    with tempfile.TemporaryFile() as log:
        worker = Worker(python, entry, log)
        job = _Job(request, report, worker)
        try:
            worker.send(json.dumps(to_json(request)))
            job.follow()
        finally:
            worker.kill()
            _remove_staging(request, job.process_ids)
        return job.outcome(_tail(log))


class _Job:
    """What is known of one run: the worker's last word, and when it was asked to stop."""

    def __init__(self, request: Stage, report: Report, worker: Worker) -> None:
        self.process_ids = {worker.process_id}
        self._request = request
        self._report = report
        self._worker = worker
        self._last_word: Optional[Dict[str, Any]] = None
        self._cancelled_at: Optional[float] = None
        self._heard_at = 0.0

    def follow(self) -> None:
        """Relay events until the worker has closed its output, has ended in silence, or had to be killed."""
        silent_polls = 0
        while silent_polls < _SILENT_POLLS:
            event = self._worker.next_event(POLL_S)
            if event is Worker.END:
                self._worker.wait(EXIT_S)
                return
            if event is not None:
                self._heard_at = time.monotonic()
                self._relay(event)
            elif self._worker.exit_code is not None:
                # Its last words may still be on their way; but its children may keep its output open for ever.
                silent_polls += 1
            if self._report.is_cancelled() and not self._still_stopping():
                return

    def _still_stopping(self) -> bool:
        """Ask the worker to stop, once; tell whether it may have more time for that."""
        now = time.monotonic()
        if self._cancelled_at is None:
            self._cancelled_at = now
            self._worker.send(events.CANCEL_LINE)
        silence = now - max(self._cancelled_at, self._heard_at)
        return silence < GRACE_S and now - self._cancelled_at < LONGEST_GRACE_S

    def _relay(self, event: Dict[str, Any]) -> None:
        name, report = event.get("event"), self._report
        if name == events.PROGRESS:
            report.progress(float(event["percent"]) / 100, str(event.get("text", "")))
        elif name == events.METRIC:
            report.metric(str(event["name"]), float(event["value"]), int(event["step"]))
        elif name == events.LOG:
            say = {"info": report.note, "warning": report.warn}.get(str(event.get("level")), report.detail)
            say(str(event["text"]))
        elif name == events.HELLO:
            # In a virtual environment on Windows the worker is a child of the process that we started.
            self.process_ids.add(int(event["pid"]))
            report.detail(f"Worker {event['pid']}: GeoSeg {event['version']}, Python {event['python']}")
        elif name in (events.RESULT, events.ERROR, events.CANCELLED):
            self._last_word = event

    def outcome(self, tail: str) -> Any:
        """Return the result, or raise what the worker's end means; `tail` is the end of its standard error."""
        word = self._last_word or {}
        exit_code = self._worker.exit_code
        # After a cancel a worker that has told its result may have been ended while it was cleaning up.
        if word.get("event") == events.RESULT and (exit_code == 0 or self._cancelled_at is not None):
            if self._cancelled_at is not None:
                self._report.warn("Cancelled: what was finished by then has been kept.")
            return self._request.result(**word["values"])
        if word.get("event") == events.CANCELLED:
            raise error_from_json({**word, "kind": Cancelled.__name__})
        if word.get("event") == events.ERROR:
            if "trace" in word:
                self._report.detail(str(word["trace"]))
            raise error_from_json(word)
        if self._cancelled_at is not None:
            raise Cancelled("Cancelled; the engine did not stop by itself and was ended, nothing was written.")
        if tail:
            self._report.detail(tail)
        last_lines = " / ".join(line.strip() for line in tail.splitlines()[-_TAIL_LINES:])
        raise EngineError(
            f"The engine died ({explain_exit(exit_code)}).",
            " ".join(filter(None, [self._request.after_death, f"Its last words: {last_lines}" if last_lines else ""])),
        )


def _remove_staging(request: Stage, process_ids: Any) -> None:
    """Remove the folders in which a dead worker was building its results."""
    for field in fields_of(request):
        path = getattr(request, field.name)
        if field.kind in OUTPUT_KINDS and path:
            final = Path(path).absolute()
            for name in (final.name, unfinished_name(final.name)):
                for process_id in process_ids:
                    shutil.rmtree(final.parent / staging_name(name, process_id), ignore_errors=True)
            if field.kind is Kind.FOLDER_OUT:  # which may be filled with one result after the other
                for process_id in process_ids:
                    for folder in list(final.rglob(staging_name("*", process_id))):
                        shutil.rmtree(folder, ignore_errors=True)


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, 2)
    log.seek(max(0, size - _TAIL_BYTES))
    return log.read().decode("utf-8", errors="replace").strip()
