"""Short trials of a training step, to choose the precision and the batch size by measurement."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ....models.losses.loss import TrainingLoss
from ...contract.errors import GeosegError
from ...contract.stages.training_parts.machine import AUTO, BFLOAT16, FLOAT16, FLOAT32
from ..memory import free_memory
from ..precision import processor_has_bfloat16
from .batches import Batch
from .learner import teach

_WORTH_IT = 1.1
_TRIAL_TILES = 2
_TRIALS = 3
_TRIAL_STEPS = 3
_CPU_PIXELS = 8 * 512 * 512
_SHARE_OF_FREE_MEMORY = 0.4  # for what a step keeps; tiles in memory may take as much
_FEW_TILES = 64
_FEWEST = 2  # tiles per step


def step(
    network: torch.nn.Module, loss: TrainingLoss, images: torch.Tensor, labels: torch.Tensor, precision: str
) -> torch.Tensor:
    """Do the forward and the backward pass of one step and return the loss, without its history."""
    value, _ = teach(network, loss, Batch(images, labels, ()), precision)
    value.backward()
    return value.detach()


@dataclass(frozen=True)
class Trial:
    """What a trial step needs.

    Attributes:
        network: The network, on its device; trials work on a copy.
        loss: The loss to use, of what the network gives in training mode.
        bands: Number of input bands.
        side: Side of the padded tiles in pixels.
    """

    network: torch.nn.Module
    loss: TrainingLoss
    bands: int
    side: int

    def seconds(self, tiles: int, *precisions: str) -> dict[str, float]:
        """Return how long a step with so many tiles takes in each precision: the best of a few, after one to warm up.

        The precisions take turns, so that what else the computer is doing burdens all of them.
        """
        network = copy.deepcopy(self.network).train()
        images, labels = self._batch(tiles)
        device = images.device
        best = dict.fromkeys(precisions, math.inf)
        for turn in range(1 + _TRIAL_STEPS):
            for precision in precisions:
                started = time.perf_counter()
                step(network, self.loss, images, labels, precision)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                if turn > 0:
                    best[precision] = min(best[precision], time.perf_counter() - started)
        return best

    def compiled_seconds(self, tiles: int, precision: str) -> tuple[float, float]:
        """Return how long it takes to compile the network, and then the best of a few steps with so many tiles."""
        network = copy.deepcopy(self.network).train()
        network.compile()
        images, labels = self._batch(tiles)
        times = []
        for _ in range(1 + _TRIAL_STEPS):
            started = time.perf_counter()
            step(network, self.loss, images, labels, precision)
            if images.device.type == "cuda":
                torch.cuda.synchronize(images.device)
            times.append(time.perf_counter() - started)
        return times[0], min(times[1:])

    def kept_bytes(self, tiles: int, precision: str) -> int:
        """Return how much memory a step with so many tiles keeps from the forward for the backward pass.

        Beside the weights that is nearly all that it needs, and grows with the number of tiles.
        """
        network = copy.deepcopy(self.network).train()
        known = {part.data_ptr() for part in network.parameters()}
        kept: dict[int, int] = {}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            memory = tensor.untyped_storage()
            if memory.data_ptr() not in known:
                kept[memory.data_ptr()] = memory.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            teach(network, self.loss, Batch(*self._batch(tiles), ()), precision)
        return sum(kept.values())

    def _batch(self, tiles: int) -> tuple[torch.Tensor, torch.Tensor]:
        device = next(self.network.parameters()).device
        images = torch.zeros(tiles, self.bands, self.side, self.side, device=device)
        labels = torch.zeros(tiles, self.side, self.side, dtype=torch.int64, device=device)
        return images.to(memory_format=torch.channels_last), labels


def choose_precision(asked: str, trial: Trial, device: torch.device) -> tuple[str, str]:
    """Return "float32", "bfloat16" or "float16", and why, in words.

    A GPU gains from either of the latter; on a CPU "auto" takes bfloat16 where the processor has instructions for it
    and a trial shows that it is faster.
    """
    if asked != AUTO:
        return asked, "as asked"
    if device.type == "cuda":
        with torch.cuda.device(device):  # torch tells of the current one
            has = torch.cuda.is_bf16_supported(including_emulation=False)
        return (BFLOAT16, "the GPU has it") if has else (FLOAT16, "the GPU has no bfloat16")
    if not processor_has_bfloat16():
        return FLOAT32, "the processor has no bfloat16"
    gain = 0.0
    for _ in range(_TRIALS):
        # One that was disturbed by other programs may come out either way; the instructions are there to be faster.
        times = trial.seconds(_TRIAL_TILES, FLOAT32, BFLOAT16)
        gain = max(gain, times[FLOAT32] / times[BFLOAT16])
        if gain > _WORTH_IT:
            break
    return (BFLOAT16 if gain > _WORTH_IT else FLOAT32), f"bfloat16 is {gain:.1f} times as fast in a trial"


def choose_batch_size(asked: int, tiles: int, trial: Trial, precision: str, device: torch.device) -> int:
    """Return the number of tiles per step: as asked, or where that is 0, one that suits the dataset and the memory.

    Eight, and four for few tiles, so that an epoch still has steps enough. On a GPU more for large datasets, and half
    of it until it fits into memory; on a CPU less for large tiles, and half of it until its memory is free.

    Raises:
        GeosegError: Not even a batch of two tiles fits into the GPU's memory.
    """
    if asked:
        return asked
    size = 8 if tiles >= _FEW_TILES else 4
    if device.type != "cuda":
        return _halve_until_it_is_free(max(_FEWEST, min(size, _CPU_PIXELS // trial.side**2)), trial, precision)
    while size < min(64, tiles // _FEW_TILES):
        size *= 2
    return _halve_until_it_fits(size, lambda tiles: trial.seconds(tiles, precision))


def _halve_until_it_is_free(size: int, trial: Trial, precision: str) -> int:
    # A computer that has to swap takes forever, or ends the program, with no error to catch.
    if size == _FEWEST:
        return size
    each, room = trial.kept_bytes(_TRIAL_TILES, precision) / _TRIAL_TILES, _SHARE_OF_FREE_MEMORY * free_memory()
    while size > _FEWEST and size * each > room:
        size = max(_FEWEST, size // 2)
    return size


def _halve_until_it_fits(size: int, attempt: Callable[[int], object]) -> int:
    while True:
        try:
            attempt(size)
            return size
        except torch.OutOfMemoryError as error:
            if size <= _FEWEST:
                raise GeosegError(
                    "The GPU's memory is too small for two tiles.",
                    "Use smaller tiles, a smaller encoder, or DEVICE cpu.",
                ) from error
        torch.cuda.empty_cache()
        size //= 2
