"""Thresholds of classes as users write them: "0.4", or "building=0.4, road=0.6"."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from .amounts import DECIMALS, read_amount
from .errors import RequestError
from .named_amounts import parse_named_amounts

DEFAULT_THRESHOLD = 0.5
_FORM = f"Write a probability of 0 to 1, or one for each class as in 'building=0.4, road=0.6'. {DECIMALS}"


def parse_given_thresholds(text: str) -> Tuple[float, Dict[str, float]]:
    """Read the threshold of all classes, and those of classes by name.

    Raises:
        RequestError: It has another form, names a class twice, or a threshold is above 1.
    """
    try:
        every, named = read_amount(text), {}
    except ValueError:
        every, named = DEFAULT_THRESHOLD, parse_named_amounts(text, "THRESHOLD", "threshold", _FORM)
    highest = max(every, *named.values()) if named else every
    if not text.strip() or highest > 1:
        raise RequestError(f"THRESHOLD is '{text}'.", _FORM)
    return every, named


def thresholds_for(text: str, classes: Sequence[str]) -> Tuple[float, ...]:
    """Return the threshold of each class but the first.

    Args:
        text: What the user wrote.
        classes: The names of the classes in order.

    Raises:
        RequestError: It cannot be read, or names the first class or what is no class.
    """
    every, named = parse_given_thresholds(text)
    for name in named:
        if name == classes[0]:
            raise RequestError(
                f"THRESHOLD gives one to '{name}', which is what all pixels are that reach no other threshold.",
                f"Give thresholds to: {', '.join(classes[1:])}.",
            )
        if name not in classes:
            raise RequestError(
                f"THRESHOLD gives one to '{name}', which is no class of the model.",
                f"Give thresholds to: {', '.join(classes[1:])}.",
            )
    return tuple(named.get(name, every) for name in classes[1:])
