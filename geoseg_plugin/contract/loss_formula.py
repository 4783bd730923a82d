"""Sums of losses as users write them: "cross entropy + 2 * f-beta(2)"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Tuple

from .amounts import DECIMALS, read_amount
from .errors import RequestError

# The losses, with the names of their arguments and what these are when not given.
LOSS_ARGUMENTS: Dict[str, Dict[str, float]] = {
    "cross entropy": {},
    "binary cross entropy": {},
    "focal": {"gamma": 2.0},
    "dice": {},
    "jaccard": {},
    "tversky": {"false positives": 0.3, "false negatives": 0.7},
    "f-beta": {"beta": 2.0},
    "f1": {},
    "f2": {},
    "lovasz": {},
}
# Those that smoothed labels make different.
SMOOTHED_LOSSES = ("cross entropy", "binary cross entropy", "focal")
_FORM = f"Write a sum such as 'cross entropy + 2 * f-beta(2)' of: {', '.join(LOSS_ARGUMENTS)}."
_PLUS = re.compile(r"(?<![\d.]e)\+")  # but not that of 1e+1
_UNSIGNED = re.compile(r"([\d.]+) ?(.+)")  # a weight without its sign
_TERM = re.compile(r"(?:([^*]+)\*)?([a-z0-9 \-]+?)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Term:
    """One loss of a sum: its weight, above 0, its name in LOSS_ARGUMENTS, and all its arguments in their order."""

    weight: float
    loss: str
    arguments: Tuple[float, ...]

    def __str__(self) -> str:
        weight = "" if self.weight == 1 else f"{self.weight:g} * "
        arguments = f"({', '.join(f'{one:g}' for one in self.arguments)})" if self.arguments else ""
        return f"{weight}{self.loss}{arguments}"


def parse_losses(text: str) -> Tuple[Term, ...]:
    """Read a sum of losses such as "cross entropy + 2 * tversky(0.4, 0.6)".

    Raises:
        RequestError: A loss is not known, or a number is none, or not one that it can be.
    """
    parts = [" ".join(part.split()) for part in _PLUS.split(text.lower())]
    if not all(parts):
        raise RequestError(f"A loss is missing in '{text}'.", f"Write one before and after each plus sign. {_FORM}")
    return tuple(_parse_term(part) for part in parts)


def _parse_term(text: str) -> Term:
    match = _TERM.fullmatch(text)
    name = match.group(2).strip() if match else text
    if match is None or name not in LOSS_ARGUMENTS:
        raise _unknown(name, text)
    weight = 1.0 if match.group(1) is None else _number(match.group(1), text)
    defaults = tuple(LOSS_ARGUMENTS[name].values())
    given = tuple(_number(part, text) for part in match.group(3).split(",")) if match.group(3) else ()
    if len(given) > len(defaults):
        takes = ", ".join(LOSS_ARGUMENTS[name]) or "none"
        raise RequestError(f"The loss '{text}' has too many arguments.", f"'{name}' takes: {takes}. {DECIMALS}")
    arguments = given + defaults[len(given) :]
    if weight == 0 or (name == "tversky" and not any(arguments)):
        raise RequestError(f"The loss '{text}' is always the same.", "Give it a weight and arguments above 0.")
    return Term(weight, name, arguments)


def _unknown(name: str, text: str) -> RequestError:
    weighted = _UNSIGNED.fullmatch(text)
    if weighted and weighted.group(2).split("(")[0].strip() in LOSS_ARGUMENTS:
        return RequestError(f"'{text}' is no loss.", f"Write '{weighted.group(1)} * {weighted.group(2)}'.")
    return RequestError(f"There is no loss '{name}'.", _FORM)


def _number(text: str, term: str) -> float:
    try:
        return read_amount(text)
    except ValueError as error:
        raise RequestError(f"'{text.strip()}' in the loss '{term}' is no number of 0 or more.", DECIMALS) from error
