"""Names of files: those to pass over, and many of them in a message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from ...contract.fields import RASTER_SUFFIXES, VRT_SUFFIX

RASTER_FILES = (*RASTER_SUFFIXES, VRT_SUFFIX, ".img", ".jp2")  # what is looked at in folders, in small letters
_NAMED = 3


def is_hidden(path: PurePath) -> bool:
    """Tell whether a path lies in a hidden folder, such as one in which another result is being built."""
    return any(part.startswith(".") for part in path.parts)


def name_some(items: Sequence[object]) -> str:
    """Return the first few of many paths, for messages."""
    more = len(items) - _NAMED
    return ", ".join(map(str, items[:_NAMED])) + (f" and {more} more" if more > 0 else "")
