"""How good a network is on tiles that it does not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.losses.loss import SummedLoss
from ....models.memory import release_memory, within_memory
from ..precision import autocast
from ..processes.processes import ALONE, Processes, put_together
from .batches import Batch
from .learner import no_room_for
from .metrics import Scores, confusion_matrices
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
    rounds: int = 0,
    processes: Processes = ALONE,
) -> Measurement:
    """Put batches through a network and compare with the truth.

    Several processes measure as one would, on the same batches: what they count is put together in their order.

    Args:
        network: Gives logits (N, K, H, W).
        loss: The loss to report.
        batches: The tiles, of several processes those of this one.
        classes: Number of classes K.
        precision: "float32", "bfloat16" or "float16".
        pulse: Beats after every batch.
        rounds: The largest number of batches that any process has; needed of several only.
        processes: Those that share the work.

    Raises:
        Cancelled: The user has asked to stop.
        GeosegError: The memory is too small even for one tile.
    """
    network.eval()
    seen = []
    with torch.inference_mode():
        for batch, _ in zip_longest(batches, range(rounds)):
            if batch is not None:
                seen.append(_look(network, loss, batch, classes, precision))
            pulse.beat(1)
    return _sum_up(put_together(processes.gather(seen)))


@dataclass(frozen=True)
class _Seen:
    """What a network did on one batch.

    Attributes:
        matrices: (N, K, K) int64, of each tile.
        losses: (T,) float32.
        probability_sum: (K,) float64, over the pixels with truth.
        top_probability: (K,) float32.
    """

    matrices: NDArray[np.int64]
    losses: NDArray[np.float32]
    probability_sum: NDArray[np.float64]
    top_probability: NDArray[np.float32]


def _look(network: torch.nn.Module, loss: SummedLoss, batch: Batch, classes: int, precision: str) -> _Seen:
    truth = batch.labels.to(next(network.parameters()).device, non_blocking=True)
    logits = predict(network, batch.images, precision)
    probability = torch.softmax(logits, dim=1) * (truth >= 0)[:, None]
    found = (
        confusion_matrices(truth, logits.argmax(dim=1), classes),
        loss.parts(logits, truth),
        probability.sum(dim=(0, 2, 3), dtype=torch.float64),
        probability.amax(dim=(0, 2, 3)),
    )
    return _Seen(*(one.cpu().numpy() for one in found))


def _sum_up(seen: list[_Seen]) -> Measurement:
    matrices = np.concatenate([one.matrices for one in seen])
    matrix = matrices.sum(axis=0)
    losses = np.stack([one.losses for one in seen])
    return Measurement(
        matrix=matrix,
        scores=Scores.of(matrix),
        tile_ious=np.array([Scores.of(one).mean_iou for one in matrices]),
        loss=float(losses.sum(axis=1).mean()),
        loss_parts=losses.mean(axis=0).astype(np.float64),
        mean_probability=sum(one.probability_sum for one in seen) / max(1, matrix.sum()),
        top_probability=np.max([one.top_probability for one in seen], axis=0).astype(np.float64),
    )


def predict(network: torch.nn.Module, images: torch.Tensor, precision: str) -> torch.Tensor:
    """Return float32 logits (N, K, H, W) for network input (N, C, H, W), in evaluation mode.

    Where memory is too small for all at once, halves go through the network, and halves of these: the answer is the
    same.

    Raises:
        GeosegError: The memory is too small even for one tile.
    """
    logits = within_memory(lambda: _put_through(network, images, precision))
    if logits is not None:
        return logits
    if len(images) == 1:
        raise no_room_for(1, "Use smaller tiles, a smaller encoder, or close other programs.")
    release_memory(next(network.parameters()).device)
    return torch.cat([predict(network, half, precision) for half in images.tensor_split(2)])


def _put_through(network: torch.nn.Module, images: torch.Tensor, precision: str) -> torch.Tensor:
    device = next(network.parameters()).device
    moved = images.to(device, memory_format=torch.channels_last, non_blocking=True)
    with autocast(device, precision):
        logits: torch.Tensor = network(moved)
    return logits.float()
