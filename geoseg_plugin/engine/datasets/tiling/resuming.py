"""The folder that tiles are written into: one that appears when it is whole, or one in which a run can go on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....contract.events import Report
from ....contract.stages import to_json
from ....contract.stages.datasets import MakeTiles
from ...output import whole_folder
from ...unfinished import check_same_run, describe_run, read_run, stamp_layer, stamp_raster, write_run
from ...vector import is_vector
from ..dataset import DESCRIPTION, FOOTPRINTS, IMAGES, LABELS, MARKER
from .geotiff_bytes import UNFINISHED

# What does not change the result, and where it lies.
_OF_NO_EFFECT = ("workers", "resume")
_COMPARED_APART = (*_OF_NO_EFFECT, "output")
_FIX = "Give the same values and files, or choose another folder."


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
        check_same_run(folder, read_run(marker, _FIX), stated, _FIX)
        _clear(folder, kinds)
    else:
        with whole_folder(request.output) as begun:
            _make_folders(begun, kinds)
            write_run(begun / MARKER, stated)
    found = frozenset.intersection(*(frozenset(_stems(folder / kind)) for kind in kinds))
    if found:
        report.note(f"{len(found)} tiles of an earlier run are in {folder}: those that can be read are kept.")
    yield folder, found
    marker.unlink()


def _make_folders(folder: Path, kinds: Iterable[str]) -> None:
    for kind in kinds:
        (folder / kind).mkdir()


def _state(request: MakeTiles, sources: Sequence[str]) -> dict[str, Any]:
    stamps: dict[str, Any] = {}
    for source in sources:
        stamps |= stamp_layer(source) if is_vector(source) else stamp_raster(source)
    return describe_run(request, stamps, apart=_COMPARED_APART)


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
