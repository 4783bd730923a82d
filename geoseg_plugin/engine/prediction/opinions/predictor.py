"""What turns windows into probabilities: one network, or several opinions of one or more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .....models.card import Card
from ..networks.network import Network

Pixels = tuple[NDArray[np.float32], ...]


class Predictor(Protocol):
    """What answers windows.

    Attributes:
        cards: The card of each network, all with the same classes; the first says how to look at an image.
        device: The device that really does the work, in words.
        precision: The number format that it really computes in.
        backend: The library that really runs the network.
        fixed_size: The only side of windows in pixels that it takes; None where it takes any multiple of 32.
        batch_size: How many windows it takes at a time; may become smaller when memory runs out.
        seconds: Time spent inside networks so far.
    """

    @property
    def cards(self) -> tuple[Card, ...]: ...  # noqa: D102

    @property
    def device(self) -> str: ...  # noqa: D102

    @property
    def precision(self) -> str: ...  # noqa: D102

    @property
    def backend(self) -> str: ...  # noqa: D102

    @property
    def fixed_size(self) -> int | None: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102

    @property
    def seconds(self) -> float: ...  # noqa: D102

    def infer(self, windows: Sequence[Pixels]) -> list[Any]:
        """Put windows through the network; return for each an answer that `conclude` understands.

        Args:
            windows: For each window (C, H, W) float32 for each network.

        Raises:
            GeosegError: There is not enough memory for a single window.
        """

    def conclude(self, answer: Any) -> NDArray[np.float32]:
        """Turn one answer into probabilities (K, H, W) float32; cheap, and called in the writing thread."""


class SinglePredictor:
    """One network that sees each window once.

    Args:
        network: Ready to answer.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.cards = (network.card,)
        self.device = network.device
        self.precision = network.precision
        self.backend = network.backend
        self.fixed_size = network.fixed_size

    @property
    def batch_size(self) -> int:
        """How many windows it takes at a time."""
        return self._network.batch_size

    @property
    def seconds(self) -> float:
        """Time spent inside the network so far."""
        return self._network.seconds

    def infer(self, windows: Sequence[Pixels]) -> list[Any]:
        """Put windows through the network; return its answers, on a GPU before they are there."""
        return self._network.begin([pixels for (pixels,) in windows])

    def conclude(self, answer: Any) -> NDArray[np.float32]:
        """Turn one answer into probabilities, waiting for it where it is on its way."""
        return self._network.probabilities(answer)
