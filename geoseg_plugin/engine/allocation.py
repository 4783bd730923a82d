"""What becomes of memory that is freed."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of options in malloc.h
_LARGEST_KEPT = 2**30  # bytes of one array
_MOST_KEPT = 2**31 - 1  # bytes at the end of the heap; the option is an int


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for what asks next, where it can (glibc), until the process ends.

    By itself it gives large arrays back to the system at once, which then clears every page of the next one: that takes
    a fifth of the time of a training step on two cores. It is for work that asks for the same sizes again and again:
    other work, such as the prediction of large scenes, would find ever less room between what is kept.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
        set_option(_TRIM_THRESHOLD, _MOST_KEPT)
