"""The training report: one page of HTML that needs no other file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ....models.card import Card
from ....models.catalog import name_network, own_loss
from ...contract.fields import value_in_words
from ..report_page import data_uri, write_page
from .course import Course, Fit
from .figures import draw_curves
from .metrics import Scores, trivial_matrix
from .pulse import in_words
from .tracking.examples import predict_panels
from .tracking.panels import PANELS, Pixels

_TEMPLATE = "training.html.j2"
_EXAMPLES_OF_EACH_KIND = 2


@dataclass(frozen=True)
class Example:
    """One tile in the report.

    Attributes:
        kind: What it stands for.
        name: The tile's id.
        iou: Mean IoU of its classes.
        iou_1: IoU of the second class, in words.
        panels: Its panels as data URIs.
    """

    kind: str
    name: str
    iou: float
    iou_1: str
    panels: tuple[str, ...]


def write_report(path: Path, course: Course, fitted: Fit, card: Card) -> None:
    """Write the report of a training.

    Args:
        path: The HTML file to write.
        course: The training; its network must hold the best weights.
        fitted: What it gave.
        card: The card of the model.
    """
    matrix = fitted.best.measured.matrix
    common = int(matrix.sum(axis=1).argmax())
    values = dict(
        card=card,
        network=name_network(card.architecture, card.encoder),
        on_training=card.is_of_training_tiles,
        scores=fitted.best.measured.scores,
        trivial=Scores.of(trivial_matrix(matrix, common)),
        common=card.classes.names[common],
        ground=card.classes.names[0],
        rows=_class_rows(fitted, card),
        matrix=matrix.tolist(),
        shares=(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)).tolist(),
        best=fitted.best,
        epochs=len(fitted.history),
        duration=in_words(sum(epoch.seconds for epoch in fitted.history)),
        learned=len(course.learned),
        measured=len(course.measured),
        curves=data_uri(
            draw_curves(fitted.history, fitted.best, card.classes, own_loss=bool(own_loss(course.network)))
        ),
        examples=_examples(course, fitted),
        panels=PANELS,
        chosen={name.replace("_", " "): value_in_words(value) for name, value in course.chosen.items()},
        parameters={name: value_in_words(value) for name, value in card.request["parameters"].items()},
    )
    write_page(path, _TEMPLATE, values)


def _class_rows(fitted: Fit, card: Card) -> list[dict[str, Any]]:
    matrix, scores = fitted.best.measured.matrix, fitted.best.measured.scores
    share = matrix.sum(axis=1) / matrix.sum()
    return [
        {
            "name": one.name,
            "colour": one.colour,
            "share": share[index],
            "iou": scores.iou[index],
            # Calling every pixel this class hits all of it and nothing else, so its IoU is its share.
            "trivial": share[index],
            "f1": scores.f1[index],
            "precision": scores.precision[index],
            "recall": scores.recall[index],
        }
        for index, one in enumerate(card.classes)
    ]


def _examples(course: Course, fitted: Fit) -> list[Example]:
    """Predict the worst, the middle and the best tiles again."""
    ious = fitted.best.measured.tile_ious
    known = [int(place) for place in np.argsort(ious) if not np.isnan(ious[place])]
    count = min(_EXAMPLES_OF_EACH_KIND, max(1, len(known) // 3))
    middle = (len(known) - count) // 2
    kinds = {"Worst": known[:count], "Middle": known[middle : middle + count], "Best": known[-count:]}
    chosen = {place: kind for kind, places in reversed(kinds.items()) for place in places}
    places = sorted(chosen, key=lambda place: float(ious[place]))
    drawn = predict_panels(course, course.network, [course.measured[place] for place in places])
    return [
        Example(chosen[place], panels.tile, float(ious[place]), panels.iou_text, tuple(map(_picture, panels.pictures)))
        for place, panels in zip(places, drawn, strict=True)
    ]


def _picture(pixels: Pixels) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return data_uri(stream.getvalue())
