"""What a network was shown in one epoch, and how it did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..processes.processes import ALONE, Processes, put_together
from .batches import Batch
from .learner import Learned


class Lesson:
    """Adds up the steps of an epoch.

    Args:
        classes: Number of classes K.
        processes: Those that share the work, each of which notes its part of every batch.
    """

    def __init__(self, classes: int, processes: Processes = ALONE) -> None:
        self.learning_rate = 0.0
        self._processes = processes
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
            self._places += [place for batch in batches if not batch.mixed for place in batch.places]

    def count(self, batches: Sequence[Batch]) -> None:
        """Count the labelled pixels of batches."""
        for batch in batches:
            self._pixels += torch.bincount(batch.labels[batch.labels >= 0], minlength=len(self._pixels))

    def count_pixels(self) -> NDArray[np.int64]:
        """Return the labelled pixels of each class (K,) that all processes have counted."""
        counted = self._pixels.clone()
        self._processes.add([counted])
        return np.asarray(counted.numpy())

    @property
    def loss(self) -> float:
        """The mean loss of the steps."""
        return float(torch.stack(self._losses).mean())

    def gather_errors(self) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Return what all processes were told of tiles, None where nobody asked.

        Returns:
            The tiles that were shown (N,), by place, in order, and what was wrong of each (N,).
        """
        if not self._errors:
            return None
        own = list(zip(self._places, torch.cat(self._errors).double().tolist(), strict=True))
        places, errors = zip(*put_together(self._processes.gather(own)), strict=True)
        return np.array(places), np.array(errors)
