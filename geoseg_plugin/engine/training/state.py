"""The state of a training: what it has learned so far, as a checkpoint keeps it."""

from __future__ import annotations

from typing import Any

import torch

from ...contract.stages.training import TrainSegmentation
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
        )
        self.history: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: dict[str, torch.Tensor] = {}

    @property
    def network(self) -> torch.nn.Module:
        """The network that is measured and kept: the moving average where there is one, else the trained one."""
        average = self.learner.average
        return self._course.network if average is None else average.network

    def keep(self, epoch: Epoch) -> None:
        """Add a finished epoch, and keep its weights if it is the best; of those alike the latest."""
        self.history.append(epoch)
        if self.best is None or epoch.quality >= self.best.quality:
            self.best = epoch
            self.best_weights = {name: one.detach().cpu().clone() for name, one in self.network.state_dict().items()}

    def pack(self) -> dict[str, Any]:
        """Return all of it as plain values and tensors."""
        average, cuda = self.learner.average, torch.cuda.is_available()
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
            "chance": torch.get_rng_state(),
            "gpu_chance": torch.cuda.get_rng_state_all() if cuda else [],
        }

    def unpack(self, values: dict[str, Any]) -> None:
        """Become what `pack` has packed."""
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
        torch.set_rng_state(values["chance"])
        if torch.cuda.is_available() and len(values["gpu_chance"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(values["gpu_chance"])
