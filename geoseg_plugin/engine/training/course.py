"""What a training works with, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ....models.losses.loss import SummedLoss, TrainingLoss
from ..datasets.dataset import Dataset, Tile
from ..device import describe_device
from ..processes.processes import ALONE, Processes
from .batches import Batches
from .sampling.sampler import Sampler
from .validation import Measurement


@dataclass(frozen=True)
class Epoch:
    """One finished epoch.

    Attributes:
        number: From 1.
        loss: Mean over the training tiles that it showed, as they were varied.
        measured: What was measured after it.
        seconds: How long it took, with its measurement.
        learning_rate: The highest in it.
    """

    number: int
    loss: float
    measured: Measurement
    seconds: float
    learning_rate: float

    @property
    def quality(self) -> tuple[float, float]:
        """What makes an epoch better than another: its mean IoU, and of equal ones its loss on validation tiles.

        Epochs are equal in mean IoU when all is called background at first.
        """
        return self.measured.scores.mean_iou, -self.measured.loss


@dataclass(frozen=True)
class Course:
    """All that a training needs beside the request.

    Attributes:
        network: The network on its device; it is trained in place.
        loss: What is minimised, of logits.
        training_loss: The same of what the network gives in training mode.
        batches: Makes batches of tiles.
        sampler: Draws the tiles of an epoch.
        dataset: The dataset.
        learned: The tiles to learn from.
        measured: The tiles to measure on.
        precision: "float32", "bfloat16" or "float16".
        batch_size: Tiles per batch, of all processes together.
        epoch_tiles: Tiles that an epoch shows.
        learning_rate: Highest step width of the optimizer.
        encoder: That of the network, NO_ENCODER where there is none to choose.
        start: In words, what its weights were at first.
        compiled: Whether the network was compiled.
        class_weights: What classes count in the loss (K,); () where all count the same.
        processes: Those that share the work.
    """

    network: torch.nn.Module
    loss: SummedLoss
    training_loss: TrainingLoss
    batches: Batches
    sampler: Sampler
    dataset: Dataset
    learned: tuple[Tile, ...]
    measured: tuple[Tile, ...]
    precision: str
    batch_size: int
    epoch_tiles: int
    learning_rate: float
    encoder: str
    start: str
    compiled: bool = False
    class_weights: tuple[float, ...] = ()
    processes: Processes = ALONE

    @property
    def found(self) -> dict[str, Any]:
        """What was given or found by trial, for a later run of the same training."""
        return {
            "precision": self.precision, "batch_size": self.batch_size, "learning_rate": self.learning_rate,
            "compiled": self.compiled,
        }  # fmt: skip

    @property
    def chosen(self) -> dict[str, Any]:
        """What a request may leave to the training, as plain values."""
        device = describe_device(next(self.network.parameters()).device)
        return {"encoder": self.encoder, "weights": self.start, **self.found, "device": device}


@dataclass(frozen=True)
class Fit:
    """What training gave.

    Attributes:
        history: The finished epochs.
        best: The best of them.
        state: The weights of that one, on the CPU.
        ended: Why training came to its end before all epochs, in words; "" where it did not.
        cancelled: Whether that was because the user has cancelled.
    """

    history: tuple[Epoch, ...]
    best: Epoch
    state: dict[str, torch.Tensor]
    ended: str = ""
    cancelled: bool = False
