"""The other processes of a run on this machine, started, watched and ended by the first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ...contract.errors import EngineError, GeosegError, error_from_json
from ...contract.events import ERROR
from ...contract.stages import to_json
from ...contract.stages.stage import Stage

_ENTRY = Path(__file__).resolve().parents[2]
_TAIL_BYTES, _MOST_WORDS = 2**16, 4000  # where events stand, of which an error may bring a long trace; what is told


class Fellows:
    """Worker processes that are given the request of the first one, and end with it.

    Their standard input stays open as long as the first lives: a worker whose input ends stops by itself, even where
    nobody could tell it so any more. They are in sessions of their own, so that Ctrl-C reaches the first alone.
    """

    def __init__(self) -> None:
        self._started: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def start(self, line: bytes, log: IO[bytes], variables: Mapping[str, str]) -> None:
        """Start one.

        Args:
            line: The request.
            log: What it says goes there.
            variables: What it is told beside the variables of this process.
        """
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        process = subprocess.Popen(  # nosec B603 - no shell
            [sys.executable, "-X", "faulthandler", str(_ENTRY), "worker"], stdin=subprocess.PIPE, stdout=log,
            stderr=log, env={**os.environ, **variables}, **options,
        )  # fmt: skip
        self._started.append((process, log))
        if process.stdin is not None:
            with suppress(OSError):  # one that has ended already is found so
                process.stdin.write(line)
                process.stdin.flush()

    def have_ended(self) -> bool:
        """Tell whether all have come to their end, well or not."""
        return all(process.poll() is not None for process, _ in self._started)

    def why_ended(self) -> GeosegError | None:
        """Return the error that one has failed with, or has died of; None where none has."""
        for number, (process, log) in enumerate(self._started, 1):
            code = process.poll()
            if code:
                error, words = _last_words(log)
                advice = f"Its last words: {words}" if words else "Perhaps memory was short: use fewer DEVICES."
                return error or EngineError(f"Process {number} of this run has died ({_in_words(code)}).", advice)
        return None

    def end(self) -> None:
        """End them, whatever they are doing. They have nothing to lose: the first alone writes."""
        for process, _ in self._started:
            process.kill()
        for process, _ in self._started:
            process.wait()
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()


@contextmanager
def start_fellows(request: Stage, variables: Mapping[str, str], size: int) -> Iterator[Fellows]:
    """Give the other processes of a run, which end when the block does.

    Args:
        request: What they are to do.
        variables: What they are told beside the variables of this process, and RANK and LOCAL_RANK.
        size: How many processes there are, with the first.
    """
    line = json.dumps(to_json(request)).encode() + b"\n"
    with ExitStack() as logs:
        fellows = Fellows()
        try:
            for rank in range(1, size):
                own = {"RANK": str(rank), "LOCAL_RANK": str(rank), **variables}
                fellows.start(line, logs.enter_context(tempfile.TemporaryFile()), own)
            yield fellows
        finally:
            fellows.end()


def _in_words(code: int) -> str:
    if code < 0 and -code in set(signal.Signals):
        return signal.Signals(-code).name
    return f"exit {code}"


def _last_words(log: IO[bytes]) -> tuple[GeosegError | None, str]:
    """Return the error that a worker has told of, if any, and the end of what it has said beside events."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - _TAIL_BYTES))
    if size > _TAIL_BYTES:
        log.readline()  # of which the beginning is missing
    error, words = None, []
    for line in log.read().decode("utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
            if event["event"] == ERROR:
                error = error_from_json(event)
        except (ValueError, TypeError, KeyError):
            words.append(line)
    return error, "\n".join(words).strip()[-_MOST_WORDS:]
