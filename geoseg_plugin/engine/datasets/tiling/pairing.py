"""Which label raster belongs to which image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.datasets import MakeTiles
from ...grid import Grid
from ...imagery.paths import name_some
from ...raster import open_raster
from ..ground import is_placed
from .folders import pair_labels, renaming
from .scenes import Scene

_OTHER_GRID = "Make the labels with 'Rasterize labels' and this image, or clip them to its grid."


def match_rasters(request: MakeTiles, scenes: Sequence[Scene], report: Report) -> dict[str, str]:
    """Return the label raster of every scene, by scene name.

    In LABEL_FOLDER names decide. Of LABELS it is the one on the same grid; where there are several, the one of the same
    name (see PAIRING), else the one whose name has most words in common. Several scenes may share one, but not where
    they do not say where they lie: their size alone does not make them images of one place.

    Raises:
        InputError: A label raster cannot be read or has another grid, or a scene has none, several that fit equally
            well, or one that belongs to another scene.
        RequestError: PAIRING is not two parts of names.
    """
    if request.label_folder:
        paths = pair_labels(request, [scene.path for scene in scenes], report)
        grids = _read_grids(dict.fromkeys(paths), report)
        for scene, path in zip(scenes, paths, strict=True):
            if not grids[path].is_same(scene.grid):
                raise _no_label(scene, {path: grids[path]})
        matched = {scene.name: path for scene, path in zip(scenes, paths, strict=True)}
        _check_shared(scenes, matched)
        return matched
    grids = _read_grids(dict.fromkeys(request.labels), report)
    matched = {scene.name: _match(scene, grids, request.pairing, report) for scene in scenes}
    _check_shared(scenes, matched)
    unused = [path for path in grids if path not in matched.values()]
    if unused:
        report.warn(f"{len(unused)} label rasters belong to no image: {name_some(unused)}.")
    return matched


def _read_grids(paths: Mapping[str, None], report: Report) -> dict[str, Grid]:
    grids = {}
    for path in paths:
        stop_if_cancelled(report)
        with open_raster(path) as dataset:
            grids[path] = Grid.of(dataset)
    return grids


def _match(scene: Scene, grids: Mapping[str, Grid], pairing: str | None, report: Report) -> str:
    fitting = [path for path, grid in grids.items() if grid.is_same(scene.grid)]
    if not fitting:
        raise _no_label(scene, grids)
    if len(fitting) == 1:
        return fitting[0]
    name = renaming(pairing)(Path(scene.path).stem)
    same = [path for path in fitting if Path(path).stem == name]
    if len(same) == 1:
        return same[0]
    shared = {path: len(_words(name) & _words(Path(path).stem)) for path in fitting}
    most = [path for path, count in shared.items() if count == max(shared.values())]
    if len(most) > 1:
        raise InputError(
            f"{len(fitting)} label rasters have the grid of {scene.path}: {name_some(fitting)}.",
            "Give the right one the name of the image, or say in PAIRING how the names differ.",
        )
    report.note(f"{scene.path} takes {most[0]}, whose name is closest, of {len(fitting)} label rasters on its grid.")
    return most[0]


def _check_shared(scenes: Sequence[Scene], matched: Mapping[str, str]) -> None:
    sharing: dict[str, list[str]] = {}
    for scene in scenes:
        if not is_placed(scene.grid):
            sharing.setdefault(matched[scene.name], []).append(scene.path)
    for label, images in sharing.items():
        if len(images) > 1:
            raise InputError(
                f"{label} would be the label raster of {len(images)} images that do not say where they lie: "
                f"{name_some(images)}.",
                "Give every image a label raster of a name like its own, or say in PAIRING how the names differ; "
                "images of one place need its coordinates.",
            )


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name.casefold())) - {""}


def _no_label(scene: Scene, grids: Mapping[str, Grid]) -> InputError:
    described = "; ".join(f"{path} is {grid.describe()}" for path, grid in list(grids.items())[:3])
    return InputError(
        f"No label raster has the grid of {scene.path}, {scene.grid.describe()}: {described}.", _OTHER_GRID
    )
