"""What a virtual raster (VRT) is made of must be there."""

from __future__ import annotations

import html
import re
from pathlib import Path

from ..contract.errors import InputError

_SOURCE = re.compile(r"<SourceFilename(?P<options>[^>]*)>(?P<name>[^<]*)</SourceFilename>")
_RELATIVE = re.compile(r"relativeToVRT\s*=\s*[\"']1[\"']")
_START = b"<VRTDataset"
_ELSEWHERE = ("/vsi", "<", "http:", "https:")


def check_sources(path: str) -> None:
    """Refuse a virtual raster that shows files which do not exist.

    GDAL says so only as it reads them, and GDAL 3.10 not even then once the process has read a virtual raster made of
    another one: what is missing would then be read as zeros.

    Args:
        path: The file of the virtual raster; what has no file of its own is not looked at.

    Raises:
        InputError: A file is missing.
    """
    file = Path(path)
    if not file.is_file():
        return
    sources = _locate_all(file)
    missing = sorted(str(source) for source in sources if source is not None and not source.exists())
    if missing:
        raise InputError(
            f"The virtual raster {path} shows {len(missing)} of {len(sources)} files that do not exist, such as "
            f"{missing[0]}.",
            "Bring them back to their place, or make the virtual raster again.",
        )


def list_sources(path: str) -> tuple[str, ...]:
    """Return the plain files that a virtual raster is made of, those of virtual rasters among them included."""
    found: dict[Path, None] = {}
    waiting = [Path(path)]
    while waiting:
        file = waiting.pop()
        if file not in found and file.is_file():
            found[file] = None
            waiting += [source for source in _locate_all(file) if source is not None] if _is_virtual(file) else []
    return tuple(sorted(map(str, [file for file in found if file != Path(path)])))


def _is_virtual(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_START)) == _START


def _locate_all(file: Path) -> set[Path | None]:
    return {_locate(match, file) for match in _SOURCE.finditer(file.read_text("utf-8", "replace"))}


def _locate(match: re.Match[str], file: Path) -> Path | None:
    """Return the path of a plain file, None for subdatasets, archives and what lies on other machines."""
    name = html.unescape(match["name"])
    if not name or name.startswith(_ELSEWHERE) or ":" in name[2:]:
        return None
    return file.parent / name if _RELATIVE.search(match["options"]) else Path(name)
