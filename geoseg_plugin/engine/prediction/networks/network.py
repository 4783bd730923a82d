"""What a network is to prediction, whichever library runs it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from .....models.card import Card
from ....contract.errors import GeosegError

_T = TypeVar("_T")


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

    def begin(self, windows: Sequence[NDArray[np.float32]]) -> list[Any]:
        """Put windows (C, H, W) through the network; return for each an answer that `probabilities` understands.

        Raises:
            GeosegError: There is not enough memory for a single window.
        """
        return list(self.logits(np.stack(windows)))

    def probabilities(self, answer: Any) -> NDArray[np.float32]:
        """Turn one answer into probabilities (K, H, W) float32, once; in any thread."""
        return softmax(answer)

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put windows (N, C, H, W) through the network and return logits (N, K, H, W).

        Raises:
            GeosegError: There is not enough memory for a single window.
        """
        started = time.monotonic()
        answers = self._in_batches(windows, self._infer)
        self.seconds += time.monotonic() - started
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _in_batches(self, windows: NDArray[np.float32], run: Callable[[NDArray[np.float32]], _T]) -> list[_T]:
        """Return what `run` makes of the windows, so many at a time as there is memory for."""
        answers: list[_T] = []
        done = 0
        while done < len(windows):
            batch = windows[done : done + self.batch_size]
            try:
                answers.append(run(batch))
            except MemoryError as error:
                self._shrink(batch, error)
                continue
            done += len(batch)
        return answers

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


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits (K, H, W) into probabilities, in place, and return them."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits
