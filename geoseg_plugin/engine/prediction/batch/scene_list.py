"""Which scenes are to be mapped, and what their results are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ....contract.errors import RequestError
from ....contract.fields import fields_of
from ....contract.stages.many_scenes import ENDINGS, PredictScenes
from ....contract.stages.prediction import PredictSegmentation
from ....contract.stages.stage import place_of
from ...imagery.patterns import find_rasters

_SHARED = {field.name for field in fields_of(PredictScenes)} & {field.name for field in fields_of(PredictSegmentation)}


def list_scenes(request: PredictScenes) -> tuple[PredictSegmentation, ...]:
    """Return the request for every scene, which its results will state as their origin.

    Scenes that a pattern finds in OUTPUT are results, and left out.

    Raises:
        RequestError: FOLDER or PATTERN is wrong, nothing is found, two scenes would have results of one name, or one
            would overwrite another.
    """
    scenes = tuple(_request_of(request, path, folder) for path, folder in _find(request))
    if not scenes:
        raise RequestError(f"All that '{request.pattern}' finds lies in OUTPUT ({request.output}).", "Check PATTERN.")
    _check_names(scenes)
    return scenes


def _find(request: PredictScenes) -> Iterator[tuple[str, Path]]:
    """Yield the path of every scene, and the folder of its results within OUTPUT."""
    if not request.folder:
        yield from ((path, Path()) for path in dict.fromkeys(request.inputs))
        return
    root, output = Path(request.folder), Path(request.output).resolve()
    holds_output = output.is_relative_to(root.resolve())
    for path in find_rasters(request.folder, request.pattern):
        if not (holds_output and Path(path).resolve().is_relative_to(output)):
            yield path, Path(path).parent.relative_to(root)


def _request_of(request: PredictScenes, path: str, folder: Path) -> PredictSegmentation:
    # The last part of an address, without what follows a question mark, is a name as well.
    name = PurePosixPath(urlsplit(path).path if path.startswith("/vsi") else Path(path).as_posix()).stem
    start = Path(request.output) / folder / name
    values: dict[str, Any] = {name: getattr(request, name) for name in _SHARED}
    values |= {result: f"{start}{ENDINGS[result]}" for result in request.results()}
    return PredictSegmentation(input=path, **values)


def _check_names(scenes: Sequence[PredictSegmentation]) -> None:
    inputs = {place_of(scene.input) for scene in scenes}
    owners: dict[str, str] = {}
    for scene in scenes:
        for _, path in scene.paths(written=True):
            if place_of(path) in inputs:
                raise RequestError(
                    f"{path}, a result of {scene.input}, would overwrite a scene.", "Choose another OUTPUT."
                )
            # Some file systems take names that differ in capitals alone for one.
            other = owners.setdefault(path.lower(), scene.input)
            if other != scene.input:
                raise RequestError(
                    f"{other} and {scene.input} would both have the result {path}.",
                    "Rename one of them, or map them into folders of their own.",
                )
