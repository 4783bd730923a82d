"""Figures over a whole map, gathered strip by strip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ....contract.errors import ModelError
from ....contract.events import Report


class Tally:
    """Counts pixels and probabilities of a map.

    Args:
        classes: The classes of the map.
    """

    def __init__(self, classes: ClassTable) -> None:
        self._classes = classes
        self._pixels = np.zeros(len(classes), np.int64)
        self._sums = np.zeros(len(classes))
        self._largest = np.zeros(len(classes))
        self._confidence = 0.0

    def add(
        self,
        probabilities: NDArray[np.float32],
        indices: NDArray[np.integer],
        confidence: NDArray[np.float32],
        valid: NDArray[np.bool_],
    ) -> None:
        """Add the pixels of a strip that are `valid` (H, W).

        Args:
            probabilities: (K, H, W).
            indices: (H, W) class indices.
            confidence: (H, W) probability of the chosen class.
            valid: (H, W) which pixels count.

        Raises:
            ModelError: The network's answers are not numbers.
        """
        if not valid.any():
            return
        everything = bool(valid.all())
        self._pixels += np.bincount(indices.ravel() if everything else indices[valid], minlength=len(self._classes))
        self._confidence += float(np.sum(confidence, dtype=np.float64, where=True if everything else valid))
        for index, values in enumerate(probabilities):
            counted = values if everything else values[valid]
            total = counted.sum(dtype=np.float64)
            if not np.isfinite(total):
                raise answers_are_not_numbers()
            self._sums[index] += total
            self._largest[index] = max(self._largest[index], counted.max())

    @property
    def pixels(self) -> int:
        """How many pixels have data."""
        return int(self._pixels.sum())

    @property
    def mean_confidence(self) -> float:
        """Mean probability of the chosen class, 0 to 1; 0 without any pixel."""
        return self._confidence / self.pixels if self.pixels else 0.0

    def conclude(self, report: Report, thresholds: Sequence[float] = ()) -> None:
        """Say how the map is made up, and warn when it is empty or constant, or a threshold leaves a class empty.

        Args:
            report: Hears of it.
            thresholds: What the probability of each class but the first had to reach; () without thresholds.
        """
        if self.pixels == 0:
            report.warn("The image has no pixel with data, so the map has none either. Check the image's nodata value.")
            return
        shares = [
            f"{one.name} {100 * n / self.pixels:.1f} %" for one, n in zip(self._classes, self._pixels, strict=True)
        ]
        report.note(f"The map: {', '.join(shares)}; mean confidence {self.mean_confidence:.2f}")
        if np.count_nonzero(self._pixels) == 1 and len(self._classes) > 1:
            only = self._classes.names[int(self._pixels.argmax())]
            report.warn(f"All {self.pixels} pixels are {only}. {self._figures()} {_ADVICE}")
        else:
            self._warn_of_thresholds(thresholds, report)

    def _warn_of_thresholds(self, thresholds: Sequence[float], report: Report) -> None:
        for index, threshold in enumerate(thresholds, start=1):
            if self._largest[index] < threshold:
                report.warn(
                    f"No pixel is {self._classes.names[index]}: its threshold is {threshold:.4g}, and its largest "
                    f"probability {self._largest[index]:.4g}. If it is there, set DECISION to fixed and THRESHOLD "
                    "lower."
                )

    def _figures(self) -> str:
        means = self._sums / self.pixels
        return (
            "Probabilities: "
            + "; ".join(
                f"{name} mean {mean:.3f}, largest {largest:.3f}"
                for name, mean, largest in zip(self._classes.names, means, self._largest, strict=True)
            )
            + "."
        )


def answers_are_not_numbers() -> ModelError:
    """Return the error for a network whose answers are NaN."""
    return ModelError(
        "The network's answers are not numbers (NaN).", "Check the image's values, or train the model again."
    )


_ADVICE = (
    "If that is wrong, check that the image has the bands, value range and pixel size that the model was trained on; "
    "a class with a high largest probability was nearly found, one with a low one is not known to the model here."
)
