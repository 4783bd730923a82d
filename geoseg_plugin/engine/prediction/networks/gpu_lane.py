"""A GPU that computes while it takes the next windows and gives back the last answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass
class _Batch:
    """Answers that are on their way.

    Attributes:
        probabilities: (N, K, H, W) float32, in pinned memory of the host.
        begun: When the network began.
        ended: When it had its answers.
        arrived: When they were all on the host.
        is_told: Whether the time was given out.
    """

    probabilities: torch.Tensor
    begun: torch.cuda.Event
    ended: torch.cuda.Event
    arrived: torch.cuda.Event
    is_told: bool = False


@dataclass(frozen=True)
class GpuAnswer:
    """The answer to one window, which may still be on its way."""

    batch: _Batch
    number: int

    def wait(self) -> tuple[NDArray[np.float32], float]:
        """Return probabilities (K, H, W) float32, and the seconds of the network that nobody was told of yet."""
        batch = self.batch
        batch.arrived.synchronize()
        seconds = 0.0 if batch.is_told else batch.begun.elapsed_time(batch.ended) / 1000
        batch.is_told = True
        probabilities: NDArray[np.float32] = batch.probabilities[self.number].numpy()
        return probabilities, seconds


class GpuLane:
    """Sends windows through a network on a GPU: one stream brings them, one computes, one takes answers home.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._there, self._home = torch.cuda.Stream(device), torch.cuda.Stream(device)

    def send(self, forward: Callable[[torch.Tensor], torch.Tensor], windows: NDArray[np.float32]) -> list[GpuAnswer]:
        """Put windows (N, C, H, W) on their way and return their answers to come.

        Args:
            forward: Turns windows on the device into logits (N, K, H, W) float32.
            windows: On the host.

        Raises:
            torch.OutOfMemoryError: They are too many.
        """
        work = torch.cuda.current_stream(self._device)
        begun, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        arrived = torch.cuda.Event()
        with torch.cuda.stream(self._there):
            batch = torch.from_numpy(windows).pin_memory().to(self._device, non_blocking=True)
        work.wait_stream(self._there)
        batch.record_stream(work)  # so that its memory is not given away before the network has seen it
        begun.record(work)
        with torch.inference_mode():
            probabilities = forward(batch).softmax(dim=1)
        ended.record(work)
        self._home.wait_stream(work)
        with torch.cuda.stream(self._home):
            answers = torch.empty(probabilities.shape, dtype=torch.float32, pin_memory=True)
            answers.copy_(probabilities, non_blocking=True)
            arrived.record(self._home)
        probabilities.record_stream(self._home)
        sent = _Batch(answers, begun, ended, arrived)
        return [GpuAnswer(sent, number) for number in range(len(windows))]
