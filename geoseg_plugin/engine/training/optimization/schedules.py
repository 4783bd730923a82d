"""How the learning rate changes while a network is trained."""

from __future__ import annotations

import math

from ....contract.stages.training import TrainSegmentation
from ....contract.stages.training_parts.steps import COSINE, ONE_CYCLE, PLATEAU, POLY

_USUAL_RISE = 0.3  # of a one-cycle schedule: share of the training
_FIRST, _LAST = 1 / 25, 1 / 25e4  # of its factors
_LOWERING = 0.1
_LEAST_GAIN = 1e-4  # share of the best loss


class Schedule:
    """The SCHEDULE of a training.

    All but one-cycle begin with the warm-up: over the first WARM_UP of the training the factor rises evenly to 1, which
    its last step has. Over the rest cosine (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983) and poly (Liu
    et al. 2015, https://arxiv.org/abs/1506.04579) fall to 0. One-cycle (Smith and Topin 2018,
    https://arxiv.org/abs/1708.07120) rises and falls along half cosines, as torch.optim.lr_scheduler.OneCycleLR does,
    but leaves the optimizer's momentum alone. Plateau does what torch.optim.lr_scheduler.ReduceLROnPlateau does.

    Args:
        request: Whose SCHEDULE, WARM_UP, POWER and PLATEAU_EPOCHS count.
        steps: How many steps the training is to have.
    """

    def __init__(self, request: TrainSegmentation, steps: int) -> None:
        self._kind = request.schedule
        self._power = request.power
        self._rise = request.warm_up / 100
        self._plateau_epochs = request.plateau_epochs
        self._step = 1 / steps
        self._lowered = 1.0
        self._best = math.inf
        self._waited = 0

    def factor(self, done: float) -> float:
        """Return what the highest learning rate is multiplied by for the coming step, 0 to 1.

        Args:
            done: The share of the training that is done before it, 0 to 1, in steps or in time.
        """
        if self._kind == ONE_CYCLE:
            return self._one_cycle(done)
        if done < self._rise:
            return self._lowered * min(1.0, (done + self._step) / self._rise)
        left = (1 - done) / (1 - self._rise)
        if self._kind == COSINE:
            return 0.5 * (1 - math.cos(math.pi * left))
        if self._kind == POLY:
            return math.pow(left, self._power)
        return self._lowered

    def after_epoch(self, loss: float) -> None:
        """Lower the factor of plateau to a tenth when PLATEAU_EPOCHS have brought no better loss; others stay.

        Args:
            loss: On the validation tiles; better is what is lower by a ten-thousandth, and no NaN.
        """
        if self._kind != PLATEAU:
            return
        if loss < self._best * (1 - _LEAST_GAIN):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited >= self._plateau_epochs:
            self._lowered, self._waited = self._lowered * _LOWERING, 0

    def state(self) -> dict[str, float]:
        """Return what `restore` needs, as plain numbers."""
        return {"lowered": self._lowered, "best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, float]) -> None:
        """Go on from what `state` gave, in a schedule of the same training."""
        self._lowered, self._best, self._waited = state["lowered"], state["best"], int(state["waited"])

    def _one_cycle(self, done: float) -> float:
        # As torch has it: the step before the end of the rise is the highest, the last step the lowest.
        rise = self._rise or _USUAL_RISE
        if done < rise - self._step:
            return _along_cosine(_FIRST, 1.0, done / (rise - self._step))
        return _along_cosine(1.0, _LAST, min(1.0, (done + self._step - rise) / (1 - rise)))


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
