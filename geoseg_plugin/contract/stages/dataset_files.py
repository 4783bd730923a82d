"""The files that a dataset is made of, and that no result of a stage may overwrite."""

from __future__ import annotations

import os

from ..errors import RequestError
from .stage import Stage, place_of

DESCRIPTION = "dataset.json"
FOOTPRINTS = "tiles.gpkg"
IMAGES = "images"
LABELS = "labels"
FORMAT = "geoseg-dataset"  # what dataset.json says that it describes


def refuse_results_in_dataset(stage: Stage, dataset: str) -> None:
    """Refuse a request that would write over a part of the dataset that it reads.

    Raises:
        RequestError: A result is dataset.json or tiles.gpkg, or images/ or labels/ or lies in them.
    """
    for parameter, path in stage.paths(written=True):
        part = part_of_dataset(path, dataset)
        if part:
            raise RequestError(
                f"{parameter} ({path}) would change {part} of DATASET ({dataset}).", "Choose another place."
            )


def part_of_dataset(path: str, dataset: str) -> str:
    """Return which part of a dataset a path is or lies in, an empty text where in none."""
    place = place_of(path)
    for name in (DESCRIPTION, FOOTPRINTS, IMAGES, LABELS):
        part = place_of(os.path.join(dataset, name))  # noqa: PTH118 - the same text as place_of gives
        if place == part or place.startswith(part + os.sep):
            return name
    return ""
