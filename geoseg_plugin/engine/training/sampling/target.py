"""Which classes are the target that tiles are drawn by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import RequestError


def choose_targets(text: str | None, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell of each class (K,) whether it is a target: those named, or without names all but the first.

    Args:
        text: Names separated by commas; names may hold commas themselves.
        names: Of all classes.

    Raises:
        RequestError: A name is of no class, or there is none.
    """
    if text is None:
        return np.arange(len(names)) > 0
    parts, known = _parts(text), [_parts(name) for name in names]
    chosen = np.zeros(len(names), dtype=np.bool_)
    while parts:
        fits = [parts[: len(name)] == name for name in known]
        if not any(fits):
            raise RequestError(
                f"TARGET_CLASSES names '{parts[0]}', which is no class of the dataset.",
                f"Name some of these, separated by commas: {', '.join(names)}.",
            )
        length = max(len(name) for name, is_it in zip(known, fits, strict=True) if is_it)
        chosen |= [is_it and len(name) == length for name, is_it in zip(known, fits, strict=True)]
        parts = parts[length:]
    if not chosen.any():
        raise RequestError(
            f"TARGET_CLASSES is '{text}', which names no class.",
            f"Name some of these, separated by commas: {', '.join(names)}; or leave it empty.",
        )
    return chosen


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
