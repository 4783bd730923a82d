"""Finding the rasters of a folder by a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from ....contract.errors import RequestError
from ....contract.stages.imagery import MosaicRasters
from ....contract.stages.stage import place_of
from ..paths import is_hidden

_ANY_FOLDERS = "**"
_BESIDE_RASTERS = (".ovr", ".msk", ".aux.xml")


def find_paths(request: MosaicRasters) -> tuple[str, ...]:
    """Return the rasters that are asked for: INPUTS, or what PATTERN finds in FOLDER, by name.

    Capitals do not matter. Hidden files and folders are passed over, and files that GDAL keeps beside rasters
    (overviews, masks, .aux.xml); others that are no rasters are left out by `read_sources`.

    Raises:
        RequestError: FOLDER or PATTERN is wrong, or OUTPUT is one of the files.
    """
    if not request.folder:
        return request.inputs
    folder = Path(request.folder)
    if not folder.is_dir():
        raise RequestError(f"FOLDER is {folder}, which is no folder.", "Give the folder that holds the rasters.")
    pattern = PurePath(request.pattern.lower())
    if pattern.is_absolute() or ".." in pattern.parts:
        raise RequestError(
            f"PATTERN is '{request.pattern}', which cannot be used: it leads out of FOLDER.",
            "Write it like *.tif or **/*.tif.",
        )
    found = sorted(set(_find(folder, pattern.parts)))
    paths = tuple(str(path) for path in found if not path.name.lower().endswith(_BESIDE_RASTERS))
    if not paths:
        raise RequestError(f"{folder} has no file like '{request.pattern}'.", "Check FOLDER and PATTERN.")
    if place_of(request.output) in {place_of(path) for path in paths}:
        raise RequestError(
            f"OUTPUT would overwrite one of the rasters of FOLDER ({request.output}).", "Choose another file to write."
        )
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
