"""How much memory there is."""

from __future__ import annotations

from pathlib import Path

import psutil

# What a container may use at most; psutil tells of the whole machine.
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def free_memory() -> int:
    """Return the bytes that are free on the machine, or the limit of the container where that is less."""
    limit = _LIMIT.read_text().strip() if _LIMIT.is_file() else ""
    free = int(psutil.virtual_memory().available)
    return min(free, int(limit)) if limit.isdecimal() else free
