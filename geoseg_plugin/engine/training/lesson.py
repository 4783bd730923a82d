"""What a network was shown in one epoch, and how it did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .batches import Batch
from .learner import Learned


class Lesson:
    """Adds up the steps of an epoch.

    Args:
        classes: Number of classes K.
    """

    def __init__(self, classes: int) -> None:
        self.learning_rate = 0.0
        self._pixels = torch.zeros(classes, dtype=torch.int64)
        self._losses: list[torch.Tensor] = []
        self._errors: list[torch.Tensor] = []
        self._places: list[int] = []

    def note(self, batches: Sequence[Batch], learned: Learned, learning_rate: float) -> None:
        """Add a step: its batches, what it gave, and how wide it was."""
        self.learning_rate = max(self.learning_rate, learning_rate)
        self._losses.append(learned.loss)
        if learned.errors is not None:
            self._errors.append(learned.errors)
            self._places += [place for batch in batches for place in batch.places]

    def count(self, batches: Sequence[Batch]) -> None:
        """Count the labelled pixels of batches."""
        for batch in batches:
            self._pixels += torch.bincount(batch.labels[batch.labels >= 0], minlength=len(self._pixels))

    @property
    def pixels(self) -> NDArray[np.int64]:
        """The labelled pixels of each class (K,) that were counted."""
        counted: NDArray[np.int64] = self._pixels.numpy()
        return counted

    @property
    def loss(self) -> float:
        """The mean loss of the steps."""
        return float(torch.stack(self._losses).mean())

    @property
    def errors(self) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """The tiles that were shown (N,), by place, and what was wrong of each (N,); None where nobody asked."""
        if not self._errors:
            return None
        return np.array(self._places), torch.cat(self._errors).double().cpu().numpy()
