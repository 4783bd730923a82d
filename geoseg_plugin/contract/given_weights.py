"""Weights of classes as users write them: "water=1, cloud=4.5"."""

from __future__ import annotations

from typing import Dict

from .amounts import DECIMALS
from .errors import RequestError
from .named_amounts import parse_named_amounts

_FORM = f"Write name=weight of every class, such as 'water=1, cloud=4.5'. {DECIMALS}"


def parse_given_weights(text: str) -> Dict[str, float]:
    """Read weights of 0 or more by the names of classes.

    Raises:
        RequestError: It has another form, names a class twice, or all weights are 0.
    """
    weights = parse_named_amounts(text, "GIVEN_WEIGHTS", "weight", _FORM)
    if not any(weights.values()):
        raise RequestError(f"GIVEN_WEIGHTS is '{text}': nothing would count.", _FORM)
    return weights
