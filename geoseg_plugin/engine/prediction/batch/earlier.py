"""Which scenes were mapped by an earlier run, and need not be mapped again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....contract.errors import InputError, OutputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.fields import RASTER_SUFFIXES
from ....contract.stages import to_json
from ....contract.stages.many_scenes import ENDINGS
from ....contract.stages.prediction import PredictSegmentation
from ....contract.stages.stage import place_of
from ...class_raster import REQUEST_TAG
from ...imagery.paths import name_some
from ...provenance import MODEL_TAG, digest_models
from ...raster import open_raster
from ...unfinished import stamp_layer, stamp_raster

# What does not change a map; models are compared by their content.
_NO_VALUES = {"input", "model", "further_models", "device", "devices", "batch_size", "resume", *ENDINGS}


@dataclass(frozen=True)
class Origin:
    """What the class raster of an earlier run says of itself.

    Attributes:
        parameters: Those of 'Predict segmentation'.
        models: The hashes of its models.
        changed: When it was written, in seconds.
    """

    parameters: dict[str, Any]
    models: str
    changed: float


def read_origins(scenes: Sequence[PredictSegmentation], report: Report) -> tuple[Origin | None, ...]:
    """Return for each scene what its class raster says of itself, if there is one.

    Raises:
        Cancelled: The user has asked to stop.
    """
    origins = []
    for scene in scenes:
        stop_if_cancelled(report)
        origins.append(read_origin(scene.output))
    return tuple(origins)


def refuse_foreign_files(scenes: Sequence[PredictSegmentation], origins: Sequence[Origin | None]) -> None:
    """Refuse to replace what GeoSeg has not made.

    Args:
        scenes: What is asked for.
        origins: What is known of the class raster of each.

    Raises:
        OutputError: A file is in the way.
    """
    foreign = [path for scene, origin in zip(scenes, origins, strict=True) for path in _foreign_files(scene, origin)]
    if foreign:
        raise OutputError(
            f"GeoSeg has not made {name_some(foreign)}, and replaces only its own results.",
            "Move what is there, or choose another OUTPUT.",
        )


def find_unfinished(
    scenes: Sequence[PredictSegmentation], origins: Sequence[Origin | None], report: Report
) -> tuple[PredictSegmentation, ...]:
    """Return the scenes of which not all results are there, made by the same models with the same values.

    Args:
        scenes: What is asked for.
        origins: What is known of the class raster of each.
        report: Hears which are made anew, and why.

    Raises:
        Cancelled: The user has asked to stop.
    """
    unfinished, anew = [], []
    for scene, origin in zip(scenes, origins, strict=True):
        stop_if_cancelled(report)
        reason = _difference(scene, origin) if origin else ""
        if reason or origin is None:
            unfinished.append(scene)
        if reason:
            anew.append(f"{scene.output} ({reason})")
    if anew:
        report.note(f"Made anew since something differs: {name_some(anew)}")
    return tuple(unfinished)


def read_origin(path: str) -> Origin | None:
    """Return what a class raster says of itself; None where there is none, or none of 'Predict segmentation'."""
    tags = _read_tags(path)
    try:
        job = json.loads(tags.get(REQUEST_TAG, "null"))
    except ValueError:
        return None
    if not isinstance(job, dict) or job.get("stage") != PredictSegmentation.id():
        return None
    return Origin(job["parameters"], tags.get(MODEL_TAG, ""), Path(path).stat().st_mtime)


def _read_tags(path: str) -> dict[str, str]:
    if not Path(path).exists():
        return {}
    try:
        with open_raster(path) as dataset:
            return dict(dataset.tags())
    except InputError:
        return {}


def _difference(scene: PredictSegmentation, origin: Origin) -> str:
    """Return in what a scene's results differ from those that are asked for; an empty text where in nothing."""
    for name, path in _results(scene):
        if not (origin.parameters.get(name) and Path(path).exists()):
            return f"{Path(path).name} is missing"
    if place_of(str(origin.parameters.get("input"))) != place_of(scene.input):
        return f"it shows {origin.parameters.get('input')}"
    if origin.models != digest_models((scene.model, *scene.further_models)):
        return "by another model"
    asked = json.loads(json.dumps(to_json(scene)["parameters"]))
    for name, value in asked.items():
        if name not in _NO_VALUES and origin.parameters.get(name) != value:
            return f"{name.upper()} was {origin.parameters.get(name)}"
    return _change(scene, origin.changed)


def _change(scene: PredictSegmentation, since: float) -> str:
    """Return what a map is made of and has changed since a time in seconds; an empty text where nothing has."""
    try:
        stamps = {**stamp_raster(scene.input), **(stamp_layer(scene.area) if scene.area else {})}
    except InputError:
        return f"{scene.input} cannot be opened"
    changed = [path for path, stamp in stamps.items() if stamp and stamp[1] / 1e9 > since]
    return f"{Path(changed[0]).name} has changed" if changed else ""


def _results(scene: PredictSegmentation) -> list[tuple[str, str]]:
    return [(name, getattr(scene, name)) for name in ENDINGS if getattr(scene, name)]


def _foreign_files(scene: PredictSegmentation, origin: Origin | None) -> list[str]:
    """Return results that are there, but neither say that GeoSeg has made them nor are named by a map that does."""
    present = [(name, path) for name, path in _results(scene) if Path(path).exists()]
    own = {name for name in ENDINGS if origin and origin.parameters.get(name)}
    return [
        path
        for name, path in present
        if name not in own and not (path.lower().endswith(RASTER_SUFFIXES) and REQUEST_TAG in _read_tags(path))
    ]
