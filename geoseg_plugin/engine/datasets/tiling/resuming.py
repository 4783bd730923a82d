"""The folder that tiles are written into: one that appears when it is whole, or one in which a run can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....contract.errors import OutputError
from ....contract.events import Report
from ....contract.stages import to_json
from ....contract.stages.datasets import MakeTiles
from ...output import whole_folder
from ...raster import open_raster
from ...run import version
from ...vector import is_vector
from ...virtual_sources import list_sources
from ..dataset import DESCRIPTION, FOOTPRINTS, IMAGES, LABELS, MARKER
from .geotiff_bytes import UNFINISHED

# What does not change the result, and where it lies.
_OF_NO_EFFECT = ("workers", "resume")
_OF_SHAPEFILE = (".dbf", ".shx", ".prj")
_COMPARED_APART = (*_OF_NO_EFFECT, "output")


def lasting_request(request: MakeTiles) -> dict[str, Any]:
    """Return the request as plain values, without what has no effect on the dataset: a job that makes it again."""
    values = to_json(request)
    values["parameters"] = {name: one for name, one in values["parameters"].items() if name not in _OF_NO_EFFECT}
    return values


@contextmanager
def dataset_folder(
    request: MakeTiles, sources: Sequence[str], *, labelled: bool, report: Report
) -> Iterator[tuple[Path, frozenset[str]]]:
    """Give the folder to fill, and the names of tiles that an earlier run has left in it.

    Without RESUME it takes its place when the block ends. With RESUME it is OUTPUT itself, where a file holds the
    request until the block ends.

    Args:
        request: The request.
        sources: The rasters and layers that tiles are made from.
        labelled: Whether the tiles have labels.
        report: Hears how many tiles were found.

    Raises:
        OutputError: OUTPUT is not empty and holds no unfinished run of the same request, or cannot be written to.
    """
    kinds = (IMAGES, LABELS) if labelled else (IMAGES,)
    if not request.resume:
        with whole_folder(request.output) as folder:
            _make_folders(folder, kinds)
            yield folder, frozenset()
        return
    stated = _state(request, sources)
    folder = Path(request.output).absolute()
    marker = folder / MARKER
    if marker.is_file():
        _check_same(marker, stated)
        _clear(folder, kinds)
    else:
        with whole_folder(request.output) as begun:
            _make_folders(begun, kinds)
            (begun / MARKER).write_text(json.dumps(stated, ensure_ascii=False, indent=1), encoding="utf-8")
    found = frozenset.intersection(*(frozenset(_stems(folder / kind)) for kind in kinds))
    if found:
        report.note(f"{len(found)} tiles of an earlier run are in {folder}: those that can be read are kept.")
    yield folder, found
    marker.unlink()


def _make_folders(folder: Path, kinds: Iterable[str]) -> None:
    for kind in kinds:
        (folder / kind).mkdir()


def _state(request: MakeTiles, sources: Sequence[str]) -> dict[str, Any]:
    """Return what must be the same for a run to go on, as it comes back from JSON."""
    parameters = to_json(request)["parameters"]
    stated = {
        "geoseg": version(),
        "request": {name: one for name, one in parameters.items() if name not in _COMPARED_APART},
        "sources": {path: _stamp(path) for source in sources for path in _files(source)},
    }
    plain: dict[str, Any] = json.loads(json.dumps(stated))
    return plain


def _files(source: str) -> Iterator[str]:
    """Yield the files that a raster or a layer consists of."""
    path = source.split("|", maxsplit=1)[0]
    if is_vector(source):
        yield path
        if Path(path).is_dir():
            yield from sorted(str(file) for file in Path(path).rglob("*"))
        beside = [Path(path).with_suffix(end) for end in _OF_SHAPEFILE if path.lower().endswith(".shp")]
        beside.append(Path(f"{path}-wal"))  # what a GeoPackage has not yet taken in
        yield from (str(file) for file in beside if file.exists())
        return
    with open_raster(path) as dataset:
        yield from dict.fromkeys((*dataset.files, *(list_sources(path) if dataset.driver == "VRT" else ())))


def _stamp(path: str) -> list[int]:
    if not Path(path).exists():  # of a virtual file system of GDAL
        return []
    status = Path(path).stat()
    return [status.st_size, status.st_mtime_ns]


def _check_same(marker: Path, stated: dict[str, Any]) -> None:
    fix = "Give the same values and files, or choose another folder."
    try:
        before = json.loads(marker.read_text(encoding="utf-8"))
        request, sources = dict(before["request"]), dict(before["sources"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{marker} does not say which run ended early: it is damaged.", fix) from error
    for name, value in stated["request"].items():
        if request.get(name) != value:
            raise OutputError(
                f"{marker.parent} holds an unfinished run with another {name.upper()}: {request.get(name)!r}, now "
                f"{value!r}.",
                fix,
            )
    changed = [path for path in {**sources, **stated["sources"]} if sources.get(path) != stated["sources"].get(path)]
    if changed:
        raise OutputError(
            f"{marker.parent} holds an unfinished run, since which {changed[0]} has changed.",
            "Choose another folder: the tiles there are those of the older file.",
        )
    if before.get("geoseg") != stated["geoseg"]:
        raise OutputError(
            f"{marker.parent} holds an unfinished run of GeoSeg {before.get('geoseg')}, and this is another version.",
            "Choose another folder.",
        )


def _clear(folder: Path, kinds: Iterable[str]) -> None:
    """Remove what a run that ended early has left half written."""
    for kind in kinds:
        for file in (folder / kind).glob(f"*{UNFINISHED}"):
            file.unlink()
    for file in (*folder.glob(f"{FOOTPRINTS}*"), folder / DESCRIPTION):
        file.unlink(missing_ok=True)


def _stems(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name[: -len(".tif")] for entry in entries if entry.name.endswith(".tif"))
