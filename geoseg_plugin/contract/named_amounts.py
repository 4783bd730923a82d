"""Amounts by name as users write them: "water=1, cloud=4.5"."""

from __future__ import annotations

import re
from typing import Dict

from .amounts import DECIMALS, read_amount
from .errors import RequestError

_ENTRY = re.compile(r"\s*(.+?)\s*=\s*([^\s=,;]+)\s*(?:[,;]|$)", re.DOTALL)  # names may hold commas and =


def parse_named_amounts(text: str, parameter: str, noun: str, form: str) -> Dict[str, float]:
    """Read numbers of 0 or more by name.

    Args:
        text: What the user wrote.
        parameter: Where, for messages.
        noun: What a number is, for messages: "weight".
        form: What to write instead, for messages.

    Raises:
        RequestError: It has another form, or names something twice.
    """
    amounts: Dict[str, float] = {}
    place = 0
    while place < len(text.rstrip()):
        match = _ENTRY.match(text, place)
        if match is None:
            raise RequestError(f"'{text[place:].strip()}' in {parameter} cannot be read.", form)
        name, number = match.groups()
        if name in amounts:
            raise RequestError(f"{parameter} gives '{name}' two {noun}s.", form)
        try:
            amounts[name] = read_amount(number)
        except ValueError as error:
            raise RequestError(
                f"'{name}' has the {noun} '{number}' in {parameter}.", f"Give a number of 0 or more. {DECIMALS}"
            ) from error
        place = match.end()
    return amounts
