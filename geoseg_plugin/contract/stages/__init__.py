"""Every stage, by id, and how a request for one crosses between the Pythons."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Mapping, Tuple, Type

from ..about import reference
from ..errors import RequestError
from ..fields import fields_of
from .bands import RescaleImage, StackBands, StackFolder
from .dataset_check import CheckDataset
from .dataset_split import SplitDataset
from .datasets import MakeTiles
from .environment import CheckEngine, InstallEngine
from .imagery import ClipRaster, DemoScene, MosaicRasters
from .labels import RasterizeLabels
from .many_scenes import PredictScenes
from .models import ExportModel
from .prediction import PredictSegmentation
from .stage import Stage
from .tile_statistics import TileStatistics
from .tracking import TrackingServer
from .training import TrainSegmentation

STAGES: Dict[str, Type[Stage]] = {
    stage.id(): stage
    for stage in (
        DemoScene,
        ClipRaster,
        StackBands,
        StackFolder,
        MosaicRasters,
        RescaleImage,
        RasterizeLabels,
        MakeTiles,
        TileStatistics,
        SplitDataset,
        CheckDataset,
        TrainSegmentation,
        TrackingServer,
        PredictSegmentation,
        PredictScenes,
        ExportModel,
        InstallEngine,
        CheckEngine,
    )
}


def build(stage_id: str, values: Mapping[str, Any]) -> Stage:
    """Return the validated request for a stage from plain values, keyed by field name in any case.

    Raises:
        RequestError: The stage or a parameter is unknown, or a value is not acceptable.
    """
    stage = STAGES.get(stage_id)
    if stage is None:
        raise RequestError(f"There is no stage '{stage_id}'.", f"Choose one of: {', '.join(STAGES)}.")
    given = {name.lower(): value for name, value in values.items()}
    known = [field.name for field in fields_of(stage)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise RequestError(
            f"{stage_id} has no parameter {', '.join(name.upper() for name in unknown)}.",
            f"Its parameters are {', '.join(name.upper() for name in known)}.",
        )
    return stage(**given)


def to_json(request: Stage) -> Dict[str, Any]:
    """Return the request as plain values: the form of a job file and of the line sent to the worker."""
    return {"stage": request.id(), "parameters": dataclasses.asdict(request)}


def from_json(values: Mapping[str, Any]) -> Stage:
    """Rebuild a request from `to_json`, or from what a result says of itself: dataset.json holds it under made.request.

    Raises:
        RequestError: The keys `stage` and `parameters` are missing, or a value is not acceptable.
    """
    made = values.get("made")
    told = made.get("request") if isinstance(made, Mapping) else None
    job = told if isinstance(told, Mapping) else values
    stage_id, parameters = job.get("stage"), job.get("parameters")
    if not isinstance(stage_id, str) or not isinstance(parameters, Mapping):
        raise RequestError("The job has no 'stage' and 'parameters'.", f"{reference()} has the form of a job.")
    return build(stage_id, parameters)


def describe() -> Tuple[Dict[str, Any], ...]:
    """Return every stage with its parameters and results as plain values, for tools and for the reference."""
    return tuple(
        {
            "id": stage.id(),
            "command": stage.command(),
            "title": stage.title,
            "group": stage.group,
            "help": stage.help_text(),
            "tags": list(stage.tags),
            "parameters": [dict(dataclasses.asdict(field), parameter=field.parameter) for field in fields_of(stage)],
            "results": [
                dict(dataclasses.asdict(field), parameter=field.parameter) for field in fields_of(stage.result)
            ],
        }
        for stage in STAGES.values()
    )
