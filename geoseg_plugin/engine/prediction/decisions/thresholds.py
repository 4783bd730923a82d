"""The thresholds that a decision asks for: given, of the model, or found in the map."""

from __future__ import annotations

from collections.abc import Sequence

from .....models.card import Card
from ....contract.classes import ClassTable
from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.given_thresholds import DEFAULT_THRESHOLD, thresholds_for
from ....contract.stages.prediction_parts.decision import FIXED, MEAN_VALUE, OF_CARD, OTSU, DecidesOnClasses
from .decision import Decision


def needs_map(request: DecidesOnClasses) -> bool:
    """Tell whether thresholds are found in the map itself."""
    return request.decision in (OTSU, MEAN_VALUE)


def known_decision(request: DecidesOnClasses, card: Card) -> Decision:
    """Return the decision that is asked for, where it does not need the map.

    Raises:
        RequestError: THRESHOLD names what is no class, or the card has no thresholds.
    """
    names = card.classes.names
    if request.decision == FIXED:
        return Decision(thresholds_for(request.threshold, names))
    if request.decision == OF_CARD:
        if not card.thresholds:
            raise RequestError(
                "DECISION is card, but the card of the model has no thresholds.",
                "Choose another DECISION, or train the model again.",
            )
        return Decision(tuple(card.thresholds.get(name, DEFAULT_THRESHOLD) for name in names[1:]))
    return Decision()


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
    told = ", ".join(f"{name} {threshold:.4g}" for name, threshold in zip(names, thresholds, strict=True))
    report.note(f"Thresholds found by {method}: {told}")
    return Decision(thresholds)
