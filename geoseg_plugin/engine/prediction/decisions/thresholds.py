"""The thresholds that a decision asks for: given, of the model, or found in the map."""

from __future__ import annotations

from collections.abc import Sequence

from .....models.card import Card
from ....contract.classes import ClassTable
from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.given_thresholds import DEFAULT_THRESHOLD, thresholds_for
from ....contract.stages.many_scenes import PredictScenes
from ....contract.stages.prediction import PredictSegmentation
from ....contract.stages.prediction_parts.decision import AUTO, FIXED, MEAN_VALUE, OF_CARD, OTSU, DecidesOnClasses
from .decision import Decision


def needs_map(request: DecidesOnClasses) -> bool:
    """Tell whether thresholds are found in the map itself."""
    return request.decision in (OTSU, MEAN_VALUE)


def known_decision(request: PredictSegmentation | PredictScenes, card: Card) -> Decision:
    """Return the decision that is asked for, where it does not need the map.

    Raises:
        RequestError: THRESHOLD names what is no class, or the card has no thresholds.
    """
    names = card.classes.names
    if request.decision == FIXED:
        return Decision(thresholds_for(request.threshold, names))
    if request.decision == OF_CARD and not card.thresholds:
        raise RequestError(
            "DECISION is card, but the card of the model has no thresholds.",
            "Choose another DECISION, or train the model again.",
        )
    if request.decision == OF_CARD or (request.decision == AUTO and _suits(request, card)):
        return Decision(tuple(card.thresholds.get(name, DEFAULT_THRESHOLD) for name in names[1:]))
    return Decision()


def check_decision(request: PredictSegmentation | PredictScenes, card: Card, report: Report) -> None:
    """Check what `known_decision` raises, before an image is opened, and tell of thresholds that the card gives."""
    decision = known_decision(request, card)
    if request.decision in (AUTO, OF_CARD) and decision.thresholds:
        report.note(f"Thresholds of the model's card: {_describe(decision.thresholds, card.classes)}")


def _suits(request: PredictSegmentation | PredictScenes, card: Card) -> bool:
    """Tell whether the thresholds of a card are better than the most probable class.

    Those of more classes were each found for its class alone; several models together answer otherwise than the one
    that was measured; and what was measured on training tiles, the network has learnt by heart.
    """
    trusted = bool(card.thresholds) and not card.is_of_training_tiles
    return len(card.classes) == 2 and trusted and not request.further_models


def found_decision(found: Sequence[float | None], classes: ClassTable, method: str, report: Report) -> Decision:
    """Return the decision by thresholds that were found in the map, and tell them.

    Args:
        found: The threshold of each class but the first; None where none was found.
        classes: The classes.
        method: How they were found.
        report: Hears of them.
    """
    names = classes.names[1:]
    missing = [name for name, threshold in zip(names, found, strict=True) if threshold is None]
    if missing:
        report.warn(
            f"DECISION {method} finds no threshold for {', '.join(missing)}, whose probability is the same everywhere: "
            f"{DEFAULT_THRESHOLD} is taken."
        )
    thresholds = tuple(DEFAULT_THRESHOLD if one is None else one for one in found)
    report.note(f"Thresholds found by {method}: {_describe(thresholds, classes)}")
    return Decision(thresholds)


def _describe(thresholds: Sequence[float], classes: ClassTable) -> str:
    return ", ".join(f"{name} {one:.4g}" for name, one in zip(classes.names[1:], thresholds, strict=True))
