"""A lock between processes: one installation at a time, also when an earlier one died.

Standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import time
from pathlib import Path
from typing import Iterator, Optional, Tuple

from ..contract.errors import EngineError

_STALE_AFTER_S = 6 * 3600.0
_STILL_ACTIVE = 259
_QUERY_INFORMATION = 0x1000


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which names this process and the time, while the block runs.

    A lock is taken over when its process has gone or when it is older than any installation takes.

    Raises:
        EngineError: Another process holds it, or its folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"The folder {path.parent} cannot be made: {error.strerror}.", "Set GEOSEG_HOME to a folder of yours."
        ) from error
    holder = _read(path)
    if holder is not None:
        process_id, started = holder
        if is_running(process_id) and time.time() - started < _STALE_AFTER_S:
            when = time.strftime("%H:%M", time.localtime(started))
            raise EngineError(
                f"The engine is being installed already, by process {process_id} since {when}.",
                f"Wait for it, or, if there is no such process, remove {path}.",
            )
        path.unlink()
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "started": time.time()}, file)
    except FileExistsError as error:
        raise EngineError("Another installation of the engine has just begun.", "Wait for it.") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def is_running(process_id: int) -> bool:
    """Tell whether there is a process with this id."""
    if sys.platform == "win32":
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_QUERY_INFORMATION, 0, process_id)
        code = ctypes.c_ulong()
        found = bool(handle) and bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code)))
        kernel.CloseHandle(handle)
        return found and code.value == _STILL_ACTIVE
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> Optional[Tuple[int, float]]:
    """Return process id and start time, None without a lock; one that cannot be read counts as long abandoned."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return int(values["pid"]), float(values["started"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return 0, 0.0
