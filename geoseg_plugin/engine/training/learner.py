"""Steps of the optimizer: batches in, better weights out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ....models.losses.loss import TrainingLoss
from ....models.memory import release_memory, within_memory
from ...contract.errors import GeosegError
from ..precision import autocast, gradient_scaler
from ..processes.processes import ALONE, Processes
from .batches import Batch
from .optimization.averaging import Average
from .optimization.optimizers import set_learning_rate
from .tile_errors import tile_errors


@dataclass(frozen=True)
class Learned:
    """What a step gave, on the device of the network.

    Attributes:
        loss: Mean over the tiles of all processes, without its history.
        errors: What the network got wrong before the step, of each tile of this process in order, but for batches whose
            tiles were mixed; None where there is nothing to tell, or nobody asked.
    """

    loss: torch.Tensor
    errors: torch.Tensor | None


class Learner:
    """Makes steps, whatever memory there is, and with however many processes.

    Where a step does not fit into memory its batches are put through in parts from then on, and their gradients added
    up: the step is the same, but for what batch normalisation sees at once. So it is with the parts of several
    processes, whose gradients are summed once per step, in one go. torch's DistributedDataParallel sums them during
    the backward pass; but it must know all weights that will have gradients, while encoders freeze and thaw here, and
    it cannot begin a step anew when one process has too little memory.

    Args:
        network: The network on its device; it is trained in place.
        loss: What is minimised, of what the network gives in training mode.
        optimizer: Of its parameters.
        precision: "float32", "bfloat16" or "float16".
        longest_gradient: Gradients of all weights together are cut to this length; 0 sets no limit.
        average: The moving average that follows the weights, None for none.
        wants_errors: Whether to tell what the network got wrong of each tile.
        processes: Those that make the steps together.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        loss: TrainingLoss,
        optimizer: torch.optim.Optimizer,
        precision: str,
        *,
        longest_gradient: float = 0.0,
        average: Average | None = None,
        wants_errors: bool = False,
        processes: Processes = ALONE,
    ) -> None:
        self.optimizer = optimizer
        self.average = average
        self._network = network
        self._loss = loss
        self._precision = precision
        self._longest_gradient = longest_gradient
        self._wants_errors = wants_errors
        self._processes = processes
        self._device = next(network.parameters()).device
        self.scaler = gradient_scaler(self._device, precision)
        self._largest_part: int | None = None

    def step(self, batches: Sequence[Batch], learning_rate: float) -> Learned:
        """Make one step from the gradients of some batches together, of each the part of this process.

        Raises:
            GeosegError: The memory is too small even for two tiles at a time.
        """
        set_learning_rate(self.optimizer, learning_rate)
        learned = self._gradients(batches)
        while self._processes.agree(learned is None) or learned is None:
            self._halve_parts(max(len(batch.images) for batch in batches))
            learned = self._gradients(batches)
        if self._processes.size > 1:
            self._sum_gradients(learned.loss)
        if self._longest_gradient:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._longest_gradient)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update()
        return learned

    def _gradients(self, batches: Sequence[Batch]) -> Learned | None:
        """Leave the gradients of batches with the weights; None where memory was too small."""
        return within_memory(lambda: self._add_up(batches))

    def _add_up(self, batches: Sequence[Batch]) -> Learned:
        self.optimizer.zero_grad(set_to_none=True)
        tiles = sum(len(batch.images) for batch in batches) * self._processes.size
        total = torch.zeros((), device=self._device)
        errors = []
        for part in (part for batch in batches for part in self._split(batch)):
            share = len(part.images) / tiles
            loss, logits = teach(self._network, self._loss, part, self._precision)
            self.scaler.scale(loss * share).backward()
            total += loss.detach() * share
            if self._wants_errors and not part.mixed:
                errors.append(tile_errors(logits, part.labels.to(self._device)))
        return Learned(total, torch.cat(errors) if errors else None)

    def _sum_gradients(self, loss: torch.Tensor) -> None:
        """Sum gradients, and the loss, over all processes; a weight has one where it has one in any of them."""
        weights = list(self._network.parameters())
        learning = self._processes.unite([one.grad is not None for one in weights])
        learning_weights = [one for one, learns in zip(weights, learning, strict=True) if learns]
        for one in learning_weights:
            if one.grad is None:
                one.grad = torch.zeros_like(one)
        self._processes.add([loss, *(one.grad for one in learning_weights)])

    def _split(self, batch: Batch) -> Iterator[Batch]:
        tiles = len(batch.images)
        # No part of a single tile: it would break networks that normalise over the batch.
        count = max(1, min(math.ceil(tiles / (self._largest_part or tiles)), tiles // 2))
        for place in range(count):
            yield batch.part(slice(place * tiles // count, (place + 1) * tiles // count))

    def _halve_parts(self, tiles: int) -> None:
        fewest = min(2, tiles)
        now = min(self._largest_part or tiles, tiles)
        if now <= fewest:
            raise no_room_for(now, "Use smaller tiles or CROP, a smaller encoder, or close other programs.")
        self._largest_part = max(fewest, now // 2)
        release_memory(self._device)


def teach(
    network: torch.nn.Module, loss: TrainingLoss, batch: Batch, precision: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a batch through a network in training mode; return its loss, with its history, and the logits."""
    device = next(network.parameters()).device
    images = batch.images.to(device, memory_format=torch.channels_last, non_blocking=True)
    labels = batch.labels.to(device, non_blocking=True)
    with autocast(device, precision):
        given = network(images)
    value = loss(given, labels)
    if batch.other_labels is not None:
        others = batch.other_labels.to(device, non_blocking=True)
        value = batch.share * value + (1 - batch.share) * loss(given, others)
    return value, given if isinstance(given, torch.Tensor) else given[0]


def no_room_for(tiles: int, fix: str) -> GeosegError:
    """Return the error for memory that is too small for so many tiles, which are the fewest that can be."""
    return GeosegError(f"The memory is too small for {'one tile' if tiles == 1 else f'{tiles} tiles at once'}.", fix)
