"""The state of a training: what it has learned so far, as a checkpoint keeps it."""

from __future__ import annotations

from typing import Any

import torch

from ...contract.stages.training import TrainSegmentation
from .batch_statistics import average_statistics
from .checkpoint import pack_epoch, unpack_epoch
from .course import Course, Epoch
from .learner import Learner
from .optimization.averaging import Average
from .optimization.optimizers import build_optimizer
from .optimization.schedules import Schedule


class State:
    """What changes while training.

    Attributes:
        schedule: How the learning rate changes.
        learner: Makes steps.
        history: The finished epochs.
        best: The best of them, None before the first.
        best_weights: The weights of that one, on the CPU.

    Args:
        course: What training works with.
        request: What was asked for.
        steps: How many steps it is to have.
    """

    def __init__(self, course: Course, request: TrainSegmentation, steps: int) -> None:
        self._course = course
        average = Average(course.network, request.averaging) if request.averaging else None
        self.schedule = Schedule(request, steps)
        self.learner = Learner(
            course.network,
            course.training_loss,
            build_optimizer(course.network, request, course.learning_rate),
            course.precision,
            longest_gradient=request.clip_gradients,
            average=average,
            wants_errors=course.sampler.wants_errors,
            processes=course.processes,
        )
        self.history: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: dict[str, torch.Tensor] = {}

    @property
    def network(self) -> torch.nn.Module:
        """The network that is measured and kept: the moving average where there is one, else the trained one."""
        average = self.learner.average
        return self._course.network if average is None else average.network

    def unite(self) -> None:
        """Become the same in all processes, which have seen different tiles, but for their chances."""
        average_statistics(self._course.network, self._course.processes)
        if self.learner.average is not None:
            average_statistics(self.learner.average.network, self._course.processes)

    def keep(self, epoch: Epoch) -> None:
        """Add a finished epoch, and keep its weights if it is the best; of those alike the latest."""
        self.history.append(epoch)
        if self.best is None or epoch.quality >= self.best.quality:
            self.best = epoch
            self.best_weights = {name: one.detach().cpu().clone() for name, one in self.network.state_dict().items()}

    def pack(self) -> dict[str, Any]:
        """Return all of it as plain values and tensors, with the chance of every process."""
        average = self.learner.average
        return {
            "network": self._course.network.state_dict(),
            "optimizer": self.learner.optimizer.state_dict(),
            "scaler": self.learner.scaler.state_dict(),
            "average": None if average is None else average.state(),
            "schedule": self.schedule.state(),
            "sampler": self._course.sampler.state(),
            "history": [pack_epoch(epoch) for epoch in self.history],
            "best": None if self.best is None else self.best.number,
            "best_weights": self.best_weights,
            "chances": self._course.processes.gather(self._chance()),
        }

    def unpack(self, values: dict[str, Any]) -> None:
        """Become what `pack` has packed, but with a new chance where there were more or fewer processes."""
        self._course.network.load_state_dict(values["network"])
        self.learner.optimizer.load_state_dict(values["optimizer"])
        self.learner.scaler.load_state_dict(values["scaler"])
        if self.learner.average is not None:
            self.learner.average.restore(values["average"])
        self.schedule.restore(values["schedule"])
        self._course.sampler.restore(values["sampler"])
        self.history = [unpack_epoch(epoch) for epoch in values["history"]]
        self.best = next((epoch for epoch in self.history if epoch.number == values["best"]), None)
        self.best_weights = values["best_weights"]
        if len(values["chances"]) == self._course.processes.size:
            chance = values["chances"][self._course.processes.rank]
            torch.set_rng_state(chance["cpu"])
            if self._device.type == "cuda" and chance["gpu"] is not None:
                torch.cuda.set_rng_state(chance["gpu"], self._device)

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self._course.network.parameters()).device
        return device

    def _chance(self) -> dict[str, Any]:
        """Return where the chance of this process stands."""
        on_gpu = self._device.type == "cuda"
        return {"cpu": torch.get_rng_state(), "gpu": torch.cuda.get_rng_state(self._device) if on_gpu else None}
