"""What must be as it was for a run to go on where an earlier one ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..contract.errors import OutputError
from ..contract.stages import to_json
from ..contract.stages.stage import Stage
from .raster import open_raster
from .run import version
from .virtual_sources import list_sources

_OF_SHAPEFILE = (".dbf", ".shx", ".prj")


def describe_run(request: Stage, sources: Mapping[str, Any], *, apart: Collection[str]) -> dict[str, Any]:
    """Return what must be the same for a run to go on, as it comes back from JSON.

    Args:
        request: What is asked for.
        sources: Files that are read, each with something that tells whether it has changed.
        apart: Names of parameters that may differ.
    """
    parameters = to_json(request)["parameters"]
    stated = {
        "geoseg": version(),
        "request": {name: one for name, one in parameters.items() if name not in apart},
        "sources": dict(sources),
    }
    plain: dict[str, Any] = json.loads(json.dumps(stated))
    return plain


def write_run(path: Path, stated: Mapping[str, Any]) -> None:
    """Write what `describe_run` gave, and what goes with it, for a later run."""
    path.write_text(json.dumps(stated, ensure_ascii=False, indent=1), encoding="utf-8")


def read_run(path: Path, fix: str) -> dict[str, Any]:
    """Read what `write_run` has written.

    Raises:
        OutputError: The file is damaged; `fix` says what to do.
    """
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        return {**before, "request": dict(before["request"]), "sources": dict(before["sources"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} does not say which run ended early: it is damaged.", fix) from error


def check_same_run(folder: Path, before: Mapping[str, Any], stated: Mapping[str, Any], fix: str) -> None:
    """Check that a run can go on where an earlier one ended.

    Args:
        folder: What that one has left, for the message.
        before: What it was.
        stated: What this one is.
        fix: What to do if they differ.

    Raises:
        OutputError: They differ; it says in what.
    """
    request, sources = before["request"], before["sources"]
    for name, value in stated["request"].items():
        if request.get(name) != value:
            raise OutputError(
                f"{folder} holds an unfinished run with another {name.upper()}: {request.get(name)!r}, now {value!r}.",
                fix,
            )
    changed = [path for path in {**sources, **stated["sources"]} if sources.get(path) != stated["sources"].get(path)]
    if changed:
        raise OutputError(f"{folder} holds an unfinished run, since which {changed[0]} has changed.", fix)
    if before.get("geoseg") != stated["geoseg"]:
        raise OutputError(
            f"{folder} holds an unfinished run of GeoSeg {before.get('geoseg')}, and this is another version.", fix
        )


def stamp_raster(path: str) -> dict[str, list[int]]:
    """Return the files that a raster consists of, each with its size and the time of its last change.

    Raises:
        InputError: It cannot be opened.
    """
    with open_raster(path) as dataset:
        files = (*dataset.files, *(list_sources(path) if dataset.driver == "VRT" else ()))
    return {file: _stamp(file) for file in files}


def stamp_layer(source: str) -> dict[str, list[int]]:
    """Return the files that a vector layer consists of, each with its size and the time of its last change."""
    return {file: _stamp(file) for file in _layer_files(source.split("|", maxsplit=1)[0])}


def _layer_files(path: str) -> Iterator[str]:
    yield path
    if Path(path).is_dir():
        yield from sorted(str(file) for file in Path(path).rglob("*"))
    beside = [Path(path).with_suffix(end) for end in _OF_SHAPEFILE if path.lower().endswith(".shp")]
    beside.append(Path(f"{path}-wal"))  # what a GeoPackage has not yet taken in
    yield from (str(file) for file in beside if file.exists())


def _stamp(path: str) -> list[int]:
    if not Path(path).exists():  # of a virtual file system of GDAL
        return []
    status = Path(path).stat()
    return [status.st_size, status.st_mtime_ns]
