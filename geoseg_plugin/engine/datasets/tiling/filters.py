"""Which tiles are left out: those without anything to learn from, and those that the request does not want."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ....contract.errors import InputError
from ....contract.stages.datasets import MakeTiles
from ....contract.stages.labels import background_value
from ..measuring import Measures


class Outcome(IntEnum):
    """What becomes of a tile."""

    UNTRIED = 0
    KEPT = 1
    EMPTY = 2
    MISSING = 3
    UNLABELLED = 4
    UNIFORM = 5


class Filters:
    """Judges tiles by what was measured of them.

    Args:
        request: Says what is wanted.
        classes: The classes of the labels, empty without labels.
    """

    def __init__(self, request: MakeTiles, classes: ClassTable) -> None:
        self._request = request
        self._labelled = len(classes) > 0
        self._counting = np.array([value != background_value(request.background) for value in classes.values], bool)

    def judge(self, measures: Measures, pixels: int) -> Outcome:
        """Return what becomes of a tile of so many pixels."""
        counts, request = measures.counts, self._request
        if measures.valid == 0 or (self._labelled and not counts.any()):
            return Outcome.EMPTY
        if 100 * (pixels - measures.valid) / pixels > request.max_nodata:
            return Outcome.MISSING
        if not self._labelled:
            return Outcome.KEPT
        if 100 * counts[self._counting].sum() / pixels < request.min_labelled:
            return Outcome.UNLABELLED
        return Outcome.UNIFORM if np.count_nonzero(counts) < request.min_classes else Outcome.KEPT

    def describe(self, outcomes: NDArray[np.uint8]) -> str:
        """Return in words how many tiles were left out for which reason, an empty text where none was."""
        of, request = np.bincount(outcomes, minlength=len(Outcome)), self._request
        reasons = {
            Outcome.EMPTY: "have no image data or no labels" if self._labelled else "have no image data",
            Outcome.MISSING: f"have more than {request.max_nodata:g} % of pixels without data (MAX_NODATA)",
            Outcome.UNLABELLED: f"have less than {request.min_labelled:g} % of labelled pixels (MIN_LABELLED)",
            Outcome.UNIFORM: f"hold fewer than {request.min_classes} classes (MIN_CLASSES)",
        }
        total = len(outcomes) - of[Outcome.UNTRIED]
        counted = [f"{of[outcome]} of {total} tiles {text}" for outcome, text in reasons.items() if of[outcome]]
        return "; ".join(counted)

    def check(self, outcomes: NDArray[np.uint8], paths: str) -> None:
        """Raise InputError where no tile is left, and say why.

        Args:
            outcomes: What became of the tiles (N,).
            paths: The images, for the message.
        """
        if (outcomes == Outcome.KEPT).any():
            return
        if (outcomes <= Outcome.EMPTY).all():
            what = "both image data and labels" if self._labelled else "image data"
            raise InputError(
                f"None of the {len(outcomes)} tiles of {paths} has {what}.", "Check the nodata values and the labels."
            )
        raise InputError(
            f"No tile of {paths} is left: {self.describe(outcomes)}.",
            "Ask for less with the parameters named, or check the nodata values and the labels.",
        )
