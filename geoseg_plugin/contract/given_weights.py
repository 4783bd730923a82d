"""Weights of classes as users write them: "water=1, cloud=4.5"."""

from __future__ import annotations

import re
from typing import Dict

from .amounts import DECIMALS, read_amount
from .errors import RequestError

_ENTRY = re.compile(r"\s*(.+?)\s*=\s*([^\s=,;]+)\s*(?:[,;]|$)", re.DOTALL)  # names may hold commas and =
_FORM = f"Write name=weight of every class, such as 'water=1, cloud=4.5'. {DECIMALS}"


def parse_given_weights(text: str) -> Dict[str, float]:
    """Read weights of 0 or more by the names of classes.

    Raises:
        RequestError: It has another form, names a class twice, or all weights are 0.
    """
    weights: Dict[str, float] = {}
    place = 0
    while place < len(text.rstrip()):
        match = _ENTRY.match(text, place)
        if match is None:
            raise RequestError(f"'{text[place:].strip()}' in GIVEN_WEIGHTS cannot be read.", _FORM)
        name, number = match.groups()
        if name in weights:
            raise RequestError(f"GIVEN_WEIGHTS gives '{name}' two weights.", _FORM)
        weights[name] = _weight(number, name)
        place = match.end()
    if not any(weights.values()):
        raise RequestError(f"GIVEN_WEIGHTS is '{text}': nothing would count.", _FORM)
    return weights


def _weight(number: str, name: str) -> float:
    try:
        return read_amount(number)
    except ValueError as error:
        raise RequestError(
            f"'{name}' has the weight '{number}' in GIVEN_WEIGHTS.", f"Give a number of 0 or more. {DECIMALS}"
        ) from error
