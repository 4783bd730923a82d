"""Finding the rasters of a folder by a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from ...contract.errors import RequestError
from .paths import is_hidden

_ANY_FOLDERS = "**"
_BESIDE_RASTERS = (".ovr", ".msk", ".aux.xml")


def find_rasters(folder: str, pattern: str) -> tuple[str, ...]:
    """Return what PATTERN finds in FOLDER, by name.

    Capitals do not matter. Hidden files and folders are passed over, and files that GDAL keeps beside rasters
    (overviews, masks, .aux.xml).

    Raises:
        RequestError: FOLDER or PATTERN is wrong, or nothing is found.
    """
    root, parts = Path(folder), PurePath(pattern.lower())
    if not root.is_dir():
        raise RequestError(f"FOLDER is {root}, which is no folder.", "Give the folder that holds the rasters.")
    if parts.is_absolute() or ".." in parts.parts:
        raise RequestError(
            f"PATTERN is '{pattern}', which cannot be used: it leads out of FOLDER.",
            "Write it like *.tif or **/*.tif.",
        )
    found = sorted(set(_find(root, parts.parts)))
    paths = tuple(str(path) for path in found if not path.name.lower().endswith(_BESIDE_RASTERS))
    if not paths:
        raise RequestError(f"{root} has no file like '{pattern}'.", "Check FOLDER and PATTERN.")
    return paths


def _find(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield files below a folder whose names are like the parts of a pattern in small letters."""
    if not parts:
        return
    first, rest = parts[0], parts[1:]
    entries = [entry for entry in folder.iterdir() if not is_hidden(PurePath(entry.name))]
    if first == _ANY_FOLDERS:
        yield from _find(folder, rest)
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():  # which may lead back to where it lies
                yield from _find(entry, parts)
        return
    for entry in entries:
        if not fnmatchcase(entry.name.lower(), first):
            continue
        if rest and entry.is_dir():
            yield from _find(entry, rest)
        elif not rest and entry.is_file():
            yield entry
