"""Many opinions become one: several networks, and variations of what they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .....models.catalog import network_side, smallest_tile
from ....contract.errors import ModelError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.prediction_parts.opinions import VOTES
from ..decisions.decision import choose_classes
from ..networks.network import Network
from .predictor import Pixels
from .variations import Variation


class JointPredictor:
    """Networks that are all shown each window in the same variations: see `predictor.Predictor`.

    The probabilities of a network are their mean over the variations, each turned back. Those of all are the mean of
    these, or the shares of the networks whose most probable class it is.

    Args:
        networks: Ready to answer, with the same classes.
        variations: One or more.
        ensemble: One of the choices of ENSEMBLE.
        report: Asked whether to stop, before each variation.

    Raises:
        ModelError: The networks take no windows of one size, or other sizes than the scales need.
    """

    def __init__(
        self, networks: Sequence[Network], variations: Sequence[Variation], ensemble: str, report: Report
    ) -> None:
        self._networks = tuple(networks)
        self._variations = tuple(variations)
        self._votes = ensemble == VOTES
        self._report = report
        self.cards = tuple(network.card for network in networks)
        self.device = _join(network.device for network in networks)
        self.precision = _join(network.precision for network in networks)
        self.backend = _join(network.backend for network in networks)
        self.fixed_size = _common_size(networks)
        if self.fixed_size is not None and any(variation.scale != 1 for variation in variations):
            raise ModelError(
                f"The network takes windows of {self.fixed_size} pixels alone, so that SCALES cannot be used.",
                "Leave SCALES empty, or use a model that takes any size.",
            )

    @property
    def batch_size(self) -> int:
        """How many windows it takes at a time."""
        return min(network.batch_size for network in self._networks)

    @property
    def seconds(self) -> float:
        """Time spent inside the networks so far."""
        return sum(network.seconds for network in self._networks)

    def infer(self, windows: Sequence[Pixels]) -> list[NDArray[np.float32]]:
        """Put windows through all networks in all variations; return joint probabilities (K, H, W) of each."""
        sums: list[NDArray[np.float32]] = []
        for place, network in enumerate(self._networks):
            answers = self._ask(network, [pixels[place] for pixels in windows])
            own = [self._opinion(answer) for answer in answers]
            sums = own if not sums else [known + more for known, more in zip(sums, own, strict=True)]
        return sums

    def conclude(self, answer: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn the sum of the networks' opinions into their mean, in place."""
        answer /= len(self._networks)
        return answer

    def _ask(self, network: Network, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return the mean over all variations of what a network thinks of each window, (K, H, W)."""
        size = windows[0].shape[-1]
        sums: list[NDArray[np.float32]] = []
        for variation in self._variations:
            stop_if_cancelled(self._report)
            side = _side(size, variation.scale, network)
            begun = network.begin([variation.vary(window, side) for window in windows])
            answers = [variation.turn_back(network.probabilities(answer), size) for answer in begun]
            sums = answers if not sums else [known + more for known, more in zip(sums, answers, strict=True)]
        return [one / np.float32(len(self._variations)) for one in sums]

    def _opinion(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a network says: its probabilities (K, H, W), or 1 for the class that it would choose."""
        if not self._votes:
            return probabilities
        chosen, _ = choose_classes(probabilities)
        return np.asarray(chosen == np.arange(len(probabilities))[:, None, None], np.float32)


def _side(size: int, scale: float, network: Network) -> int:
    """Return the side nearest to a window's times the scale that the network takes."""
    return size if scale == 1 else max(network_side(round(size * scale)), smallest_tile(network.card.architecture))


def _join(words: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(words))


def _common_size(networks: Sequence[Network]) -> int | None:
    sizes = {network.fixed_size for network in networks if network.fixed_size is not None}
    if len(sizes) > 1:
        raise ModelError(
            f"One model takes windows of {min(sizes)} pixels alone, another of {max(sizes)}.",
            "Use models that take windows of one size.",
        )
    return next(iter(sizes), None)
