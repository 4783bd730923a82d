"""How much of something, as users write it in a text that says more."""

from __future__ import annotations

import math

DECIMALS = "Write decimals with a point, such as 0.5."


def read_amount(text: str) -> float:
    """Return the number that a text is.

    Raises:
        ValueError: It is none, below 0, or not finite.
    """
    amount = float(text)
    if not (math.isfinite(amount) and amount >= 0):
        raise ValueError(f"{amount} is not a finite number of 0 or more")
    return amount
