"""Processes that can be ended with all their children, and the worker among them, which speaks in lines of JSON.

Standard library alone: also used where there is no QGIS.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, ClassVar, Dict, List, Mapping, Optional, Sequence

from ..contract import events
from ..contract.errors import EngineError
from .environment import HOW_TO_INSTALL, clean_environment

# -E and -s keep the user's Python settings and packages out; faulthandler writes where a crash happened.
PYTHON_FLAGS = ("-u", "-s", "-E", "-X", "faulthandler", "-X", "utf8")

_KILL_WAIT_S = 5.0
_EXIT_WORDS = {
    -9: "killed, probably out of memory",
    -11: "it crashed",
    -6: "it aborted",
    -4: "this processor lacks an instruction that the packages need",
    -7: "it crashed, perhaps because the disk is full",
    -15: "ended from outside",
    0xC0000005: "it crashed",
    0xC000001D: "this processor lacks an instruction that the packages need",
    0xC0000135: "a library is missing; install the Microsoft Visual C++ Redistributable",
}


def start_group(
    command: Sequence[str], variables: Optional[Mapping[str, str]] = None, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own, without a console window, with a clean environment.

    Args:
        command: Program and arguments.
        variables: Its environment; by default `clean_environment()`.
        streams: stdin, stdout and stderr as for Popen.

    Raises:
        OSError: It cannot be started.
    """
    options: Dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    environment = dict(variables or clean_environment())
    return subprocess.Popen(list(command), env=environment, **streams, **options)  # nosec B603 - no shell


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process of `start_group` with all its children at once, and wait for it."""
    if sys.platform == "win32":
        if process.poll() is None:
            command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            flags = subprocess.CREATE_NO_WINDOW
            subprocess.run(command, capture_output=True, check=False, creationflags=flags)  # nosec B603 - no shell
    else:
        # macOS answers PermissionError for a group that has just ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(_KILL_WAIT_S)
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"The process {process.pid} cannot be ended.", "Restart the computer.") from error


def explain_exit(code: Optional[int]) -> str:
    """Return an exit code in words, as far as it has a known meaning."""
    words = _EXIT_WORDS.get(code) if code is not None else None
    return f"exit {code}: {words}" if words else f"exit {code}"


class Worker:
    """A worker process: lines go in on its standard input, events come out of its standard output.

    Args:
        python: The engine's Python program.
        entry: What it runs, with the argument `worker`.
        log: File for its standard error; a pipe that nobody empties would stop it.

    Raises:
        EngineError: Python cannot be started.
    """

    END: ClassVar[Dict[str, Any]] = {"event": "end"}

    def __init__(self, python: Path, entry: Path, log: IO[bytes]) -> None:
        command: List[str] = [str(python), *PYTHON_FLAGS, str(entry), "worker"]
        try:
            self._process = start_group(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        except OSError as error:
            raise EngineError(
                f"The engine's Python {python} cannot be started: {error.strerror}.", HOW_TO_INSTALL
            ) from error
        self._events: queue.Queue[Dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def process_id(self) -> int:
        """The id of the process that was started."""
        return self._process.pid

    @property
    def exit_code(self) -> Optional[int]:
        """The exit code, None while it runs; negative for a signal."""
        return self._process.poll()

    def send(self, line: str) -> None:
        """Write a line to the worker; when it is gone already, its exit code will tell."""
        stream = self._process.stdin
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.write(line.encode("utf-8") + b"\n")
                stream.flush()

    def next_event(self, timeout_s: float) -> Optional[Dict[str, Any]]:
        """Return the next event, None when there is none within the time, END when there will be none."""
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def wait(self, timeout_s: float) -> None:
        """Let the process end by itself, for as long as `timeout_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def kill(self) -> None:
        """End the process and its children, whatever is left of them, and close the pipes."""
        kill_group(self._process)
        self._reader.join(_KILL_WAIT_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read(self) -> None:
        stream = self._process.stdout
        for line in stream or ():
            self._events.put(_parse(line.decode("utf-8", errors="replace")))
        self._events.put(self.END)


def _parse(line: str) -> Dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"event": events.LOG, "level": "debug", "text": line.rstrip()}
