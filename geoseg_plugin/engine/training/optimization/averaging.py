"""The moving average of a network's weights."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Average:
    """A copy of a network whose weights are the moving average (EMA) of that network's weights.

    Statistics of batch normalisations are averaged too, as those of the network belong to its own weights; whole
    numbers are copied. After t steps the average keeps min(decay, (1 + t) / (10 + t)) of itself, so that the random
    weights of the start are soon forgotten, as in https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.

    Source: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046.

    Args:
        network: The network that is trained, on its device, without wrappers.
        decay: The share that the average keeps of itself in each step, above 0 and below 1.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self._trained = network
        self._decay = decay
        self._averaged = AveragedModel(network, multi_avg_fn=self._average, use_buffers=True)
        self._averaged.requires_grad_(requires_grad=False)

    @property
    def network(self) -> torch.nn.Module:
        """The network with the averaged weights, to measure and to save; its weights have the names of the other's."""
        network: torch.nn.Module = self._averaged.module
        return network

    def update(self) -> None:
        """Take in the weights as they are after a step."""
        self._averaged.update_parameters(self._trained)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs: the steps taken in, and the averaged weights, which later steps change."""
        return {"steps": int(self._averaged.n_averaged), "weights": self.network.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave, for the same network."""
        self.network.load_state_dict(state["weights"])
        self._averaged.n_averaged.fill_(state["steps"])

    def _average(self, averaged: list[torch.Tensor], trained: list[torch.Tensor], count: torch.Tensor) -> None:
        if averaged[0].is_floating_point():
            # Not from the count given: that is on the device by now, and a GPU would be waited for.
            steps = int(self._averaged.n_averaged)
            get_ema_multi_avg_fn(min(self._decay, (1 + steps) / (10 + steps)))(averaged, trained, count)
            return
        for mean, number in zip(averaged, trained, strict=True):
            mean.copy_(number)
