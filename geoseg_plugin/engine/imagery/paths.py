"""Names of files: those to pass over, and many of them, or of other things, in a message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from ...contract.fields import RASTER_SUFFIXES, VRT_SUFFIX

RASTER_FILES = (*RASTER_SUFFIXES, VRT_SUFFIX, ".img", ".jp2")  # what is looked at in folders, in small letters
_NAMED = 3


def is_hidden(path: PurePath) -> bool:
    """Tell whether a path lies in a hidden folder, such as one in which another result is being built."""
    return any(part.startswith(".") for part in path.parts)


def name_some(items: Sequence[object], most: int = _NAMED) -> str:
    """Return the first few of many paths or names, for messages: "a, b, c and 4 more"."""
    more = len(items) - most
    return ", ".join(map(str, items[:most])) + (f" and {more} more" if more > 0 else "")
