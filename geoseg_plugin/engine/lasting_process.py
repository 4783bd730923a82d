"""A process that goes on when the one that started it has ended, and that later ones find again and can end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from ..contract.errors import EngineError

_SAME_START_S = 2.0  # how far the system's two answers to when a process has started may lie apart
_PATIENCE_S = 10.0
_POLL_S = 0.05
_TAIL_BYTES = 4000

# Python tells of processes whose ends nobody waits for as soon as nobody holds them any more.
_held: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Lasting:
    """What is known of a process.

    Attributes:
        process_id: Its id, which the system gives to another one when it has ended.
        started: When it was started, in seconds since 1970, as the system says.
        command: What was started.
        facts: What else is to be known of it later, as plain values.
    """

    process_id: int
    started: float
    command: tuple[str, ...]
    facts: Mapping[str, Any]

    def find(self) -> psutil.Process | None:
        """Return the process, None where it has ended, even if another one has its id by now."""
        try:
            process = psutil.Process(self.process_id)
            same = abs(process.create_time() - self.started) < _SAME_START_S
            # There is no word yet in its first moments, and the first one may change: a virtual environment may hand
            # over to the Python that it was made of.
            words = process.cmdline()
            known = not words or tuple(words[1:]) == self.command[1:]
            return process if same and known and _runs(process) else None
        except psutil.Error:
            return None

    def end(self) -> None:
        """End it with all that it has started.

        Raises:
            EngineError: It does not end.
        """
        process = self.find()
        if process is None:
            return
        family = [process]
        with suppress(psutil.NoSuchProcess):  # it may end meanwhile
            family += process.children(recursive=True)
        for send in (psutil.Process.terminate, psutil.Process.kill):
            for one in family:
                with suppress(psutil.Error):  # what has ended, or cannot be ended, shows below
                    send(one)
            give_up = time.monotonic() + _PATIENCE_S
            while family and time.monotonic() < give_up:
                family = [one for one in family if _runs(one)]
                time.sleep(_POLL_S)
            if not family:
                return
        raise EngineError(f"The process {self.process_id} cannot be ended.", "Restart the computer.")

    def save(self, path: Path) -> None:
        """Write down what is known of it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Lasting | None:
        """Return what was written down, None where nothing was, or nothing that can be read."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(values["process_id"]), float(values["started"]), tuple(values["command"]), values["facts"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process runs: one that has ended may stay listed for as long as nobody asks how."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def start_lasting(command: Sequence[str], log: Path, variables: Mapping[str, str], facts: Mapping[str, Any]) -> Lasting:
    """Start a process apart from this one, without console, in the folder of its log.

    Args:
        command: Program and arguments.
        log: The file to write what it says to.
        variables: Its environment.
        facts: What is to be known of it later.

    Raises:
        OSError: It cannot be started, or the log not be written.
        EngineError: It ended at once.
    """
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with log.open("wb") as file:
        process = subprocess.Popen(  # nosec B603 - no shell
            list(command), stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=dict(variables), cwd=log.parent,
            **options,
        )  # fmt: skip
    _held.append(process)
    try:
        seen = psutil.Process(process.pid)
        return Lasting(process.pid, seen.create_time(), tuple(command), facts)
    except psutil.Error as error:
        raise EngineError(f"{command[0]} ended at once: {tail(log)}") from error


def tail(log: Path) -> str:
    """Return the end of what a process has said."""
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace").strip()
