"""How good a network is on tiles that it does not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.losses.loss import SummedLoss
from .batches import Batch
from .metrics import Scores, confusion_matrices
from .precision import autocast
from .pulse import Pulse


@dataclass(frozen=True)
class Measurement:
    """What a network did on all tiles together.

    Attributes:
        matrix: (K, K) pixels by truth (rows) and prediction (columns), summed over all tiles.
        scores: The figures of that matrix.
        tile_ious: Mean IoU of each tile in order; NaN for a tile without truth.
        loss: Mean over the batches.
        loss_parts: (T,) what each loss of a sum adds to it.
        mean_probability: (K,) mean over all pixels with truth.
        top_probability: (K,) highest at any pixel with truth.
    """

    matrix: NDArray[np.int64]
    scores: Scores
    tile_ious: NDArray[np.float64]
    loss: float
    loss_parts: NDArray[np.float64]
    mean_probability: NDArray[np.float64]
    top_probability: NDArray[np.float64]

    @property
    def constant_class(self) -> int | None:
        """The index of the only class that was predicted although the truth has others, None where all is well."""
        predicted, true = np.flatnonzero(self.matrix.sum(axis=0)), np.flatnonzero(self.matrix.sum(axis=1))
        return int(predicted[0]) if len(predicted) == 1 and len(true) > 1 else None


def measure(
    network: torch.nn.Module,
    loss: SummedLoss,
    batches: Iterable[Batch],
    classes: int,
    *,
    precision: str,
    pulse: Pulse,
) -> Measurement:
    """Put batches through a network and compare with the truth.

    Args:
        network: Gives logits (N, K, H, W).
        loss: The loss to report.
        batches: The tiles.
        classes: Number of classes K.
        precision: "float32" or "bfloat16".
        pulse: Beats after every batch.

    Raises:
        Cancelled: The user has asked to stop.
    """
    device = next(network.parameters()).device
    network.eval()
    tile_matrices, losses = [], []
    probability_sum = torch.zeros(classes, dtype=torch.float64, device=device)
    top = torch.zeros(classes, device=device)
    with torch.inference_mode():
        for batch in batches:
            truth = batch.labels.to(device, non_blocking=True)
            logits = predict(network, batch.images, precision)
            losses.append(loss.parts(logits, truth))
            probability = torch.softmax(logits, dim=1) * (truth >= 0)[:, None]
            probability_sum += probability.sum(dim=(0, 2, 3), dtype=torch.float64)
            top = torch.maximum(top, probability.amax(dim=(0, 2, 3)))
            tile_matrices.append(confusion_matrices(truth, logits.argmax(dim=1), classes).cpu())
            pulse.beat(1)
    matrices = torch.cat(tile_matrices).numpy()
    matrix = matrices.sum(axis=0)
    return Measurement(
        matrix=matrix,
        scores=Scores.of(matrix),
        tile_ious=np.array([Scores.of(one).mean_iou for one in matrices]),
        loss=float(torch.stack(losses).sum(dim=1).mean()),
        loss_parts=torch.stack(losses).mean(dim=0).double().cpu().numpy(),
        mean_probability=probability_sum.cpu().numpy() / max(1, matrix.sum()),
        top_probability=top.double().cpu().numpy(),
    )


def predict(network: torch.nn.Module, images: torch.Tensor, precision: str) -> torch.Tensor:
    """Return float32 logits (N, K, H, W) for network input (N, C, H, W)."""
    device = next(network.parameters()).device
    moved = images.to(device, memory_format=torch.channels_last, non_blocking=True)
    with autocast(device, precision):
        logits: torch.Tensor = network(moved)
    return logits.float()
