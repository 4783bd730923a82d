"""The network behind a model file, whichever library runs it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .....models.card import Card
from .....models.file import ONNX_SUFFIX
from ....contract.errors import GeosegError
from ....contract.events import Report


class Network(ABC):
    """A network that is ready to answer.

    Attributes:
        card: What the model is.
        device: The device that really does the work, in words.
        precision: The number format that it computes in.
        backend: The library that runs it.
        batch_size: How many windows it takes at a time; becomes smaller when memory runs out.
        fixed_size: The only side of windows in pixels that it takes; None where it takes any multiple of 32.
        seconds: Time spent inside the network so far.
    """

    backend: ClassVar[str]

    def __init__(self, card: Card, device: str, precision: str, batch_size: int) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self.batch_size = batch_size
        self.fixed_size: int | None = None
        self.seconds = 0.0

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put windows (N, C, H, W) through the network and return logits (N, K, H, W).

        Raises:
            GeosegError: There is not enough memory for a single window.
        """
        started = time.monotonic()
        answers: list[NDArray[np.float32]] = []
        done = 0
        while done < len(windows):
            batch = windows[done : done + self.batch_size]
            try:
                answers.append(self._infer(batch))
            except MemoryError as error:
                self._shrink(batch, error)
                continue
            done += len(batch)
        self.seconds += time.monotonic() - started
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    @abstractmethod
    def _infer(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits for windows; raise MemoryError when they are too many."""

    def _shrink(self, batch: NDArray[np.float32], error: MemoryError) -> None:
        if len(batch) == 1:
            raise GeosegError(
                f"There is not enough memory on {self.device} for one window of {batch.shape[-1]} pixels.",
                "Give a smaller TILE_SIZE, or another DEVICE.",
            ) from error
        self.batch_size = len(batch) // 2


def open_network(path: str, device: str, batch_size: int, tile_size: int, report: Report) -> Network:
    """Load a model file.

    Args:
        path: A .safetensors or .onnx file; the latter needs no torch.
        device: auto, cpu, cuda or cuda:N.
        batch_size: Windows at a time; 0 chooses.
        tile_size: Side of the windows in pixels; 0 stands for the card's.
        report: Hears when the work is done elsewhere than asked.

    Raises:
        ModelError: The file is missing, damaged, or no model of GeoSeg.
        GeosegError: The device is not there.
    """
    if Path(path).suffix.lower() == ONNX_SUFFIX:
        from .onnx_network import open_onnx_network

        return open_onnx_network(path, device, batch_size, report)
    from .torch_network import open_torch_network

    return open_torch_network(path, device, batch_size, tile_size)
