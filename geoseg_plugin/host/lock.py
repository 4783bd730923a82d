"""A lock between processes: one installation at a time. The system takes it back when its process ends or dies.

Standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO, Iterator

from ..contract.errors import EngineError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Beyond what is written: what Windows locks cannot be read by others.
_LOCKED_BYTE = 1_000_000


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which says who holds it and stays there for good, while the block runs.

    Raises:
        EngineError: Another process holds it, or it cannot be made.
    """
    with contextlib.ExitStack() as opened:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = opened.enter_context(path.open("a+b"))
            is_ours = _try_lock(file)
        except OSError as error:
            raise EngineError(
                f"The lock {path} cannot be made: {error.strerror}.", "Set GEOSEG_HOME to a folder of yours."
            ) from error
        file.seek(0)
        if not is_ours:
            holder = file.read().decode("utf-8", errors="replace")
            raise EngineError(f"The engine is being installed already{holder}.", "Wait for it.")
        file.truncate()
        file.write(f", by process {os.getpid()} since {time.strftime('%H:%M')}".encode())
        file.flush()
        yield


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
