"""A search for a good learning rate, on a copy of the network."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .....models.losses.loss import TrainingLoss
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.training import TrainSegmentation
from ..batches import Batch, grouped
from ..learner import Learner
from .optimizers import build_optimizer

_LOWEST, _HIGHEST = 1e-6, 10.0
_FEWEST, _MOST = 60, 100  # steps
_SHARE = 0.1  # of the training
_RECENT = 5  # losses whose mean tells whether they explode
_EXPLODED = 4.0  # times the lowest, as in fastai
_SMOOTHING = 0.3  # standard deviation, in decades of the learning rate
_AT_FIRST = 1.0  # decades in which nothing is learnt yet
_LEAST_FALL = 0.05  # share of the first losses
_FLOOR = 0.05  # share of the fall that counts as none
_BEYOND_NOISE = 2.0  # standard deviations of single losses; noise alone falls so far once in a hundred searches


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        rate: The learning rate to train with.
        rates: The rates that were tried, rising.
        losses: The loss at the step with each of these, smoothed.
    """

    rate: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]


def search_steps(training_steps: int) -> int:
    """Return how many steps a search does at most: a tenth of those of the training, within 60 and 100."""
    return min(_MOST, max(_FEWEST, round(_SHARE * training_steps)))


def find_learning_rate(
    network: torch.nn.Module, loss: TrainingLoss, batches: Iterable[Batch], request: TrainSegmentation,
    report: Report, *, precision: str, steps: int,
) -> Found:  # fmt: skip
    """Try rising learning rates and return the one to train with.

    From step to step the rate grows by the same factor, and the loss first falls, then rises. Taken is a tenth of the
    rate at which the smoothed loss is lowest, and of a flat floor, where all but a twentieth of the fall is done, that
    in its middle. That place is found in noise too, where the steepest descent, which others take, is not, and a tenth
    of it is on the safe side of the rates with which training is not stable. Where the loss does not fall by a
    twentieth, and beyond its noise, LEARNING_RATE is kept, with a warning.

    Steps are those of the training, but no part is frozen. The network, its statistics and torch's random numbers stay
    as they are.

    Source: Smith 2015, https://arxiv.org/abs/1506.01186; the tenth of the lowest as in
    https://sgugger.github.io/how-do-you-find-a-good-learning-rate.html.

    Args:
        network: On its device, without wrappers; a copy of it learns.
        loss: What is minimised, of what the network gives in training mode.
        batches: Training batches, ACCUMULATION for each step; no more are taken than are needed.
        request: The training.
        report: Hears of progress and of what was found.
        precision: "float32", "bfloat16" or "float16".
        steps: As `search_steps` gives them.

    Raises:
        Cancelled: The user has asked to stop.
        GeosegError: The memory is too small even for two tiles at a time.
    """
    rates = np.geomspace(_LOWEST, _HIGHEST, steps)
    device = next(network.parameters()).device
    copied = copy.deepcopy(network).train()
    optimizer = build_optimizer(copied, request, _LOWEST)
    learner = Learner(copied, loss, optimizer, precision, longest_gradient=request.clip_gradients)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        losses = _try(learner, grouped(batches, request.accumulation), rates, report)
    rates = rates[: len(losses)]
    per_decade = (steps - 1) / math.log10(_HIGHEST / _LOWEST)
    smooth = _smooth(losses, _SMOOTHING * per_decade)
    rate = _choose(rates, losses, smooth, round(_AT_FIRST * per_decade))
    if rate is None:
        rate = request.learning_rate
        report.warn(
            f"The loss fell clearly with none of the learning rates that were tried: LEARNING_RATE {rate:g} is kept. "
            "If the network does not learn with it either, check that labels lie on what they name."
        )
    else:
        report.note(f"Learning rate {rate:.2g}, a tenth of that with which the loss was lowest in a trial.")
    return Found(rate, tuple(rates.tolist()), tuple(smooth.tolist()))


def _try(
    learner: Learner, groups: Iterable[Sequence[Batch]], rates: NDArray[np.float64], report: Report
) -> NDArray[np.float64]:
    """Return the loss at the step with each rate, all finite: fewer than rates where they explode."""
    losses: list[float] = []
    for rate, group in zip(rates.tolist(), groups, strict=False):
        stop_if_cancelled(report)
        report.progress(len(losses) / len(rates), "Trying learning rates")
        loss = learner.step(group, rate).loss.item()
        if not math.isfinite(loss):
            break
        losses.append(loss)
        if _explode(losses):
            break
    return np.array(losses)


def _explode(losses: list[float]) -> bool:
    if len(losses) < _RECENT:
        return False
    means = np.convolve(losses, np.full(_RECENT, 1 / _RECENT), "valid")
    return bool(means[-1] > _EXPLODED * means.min())


def _smooth(losses: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return losses without noise; other than a running mean, this moves no lowest place to higher rates."""
    if not len(losses):
        return losses
    # What explodes must not outweigh what was before.
    smooth: NDArray[np.float64] = gaussian_filter1d(losses.clip(max=2 * losses[0]), width, mode="nearest")
    return smooth


def _choose(
    rates: NDArray[np.float64], losses: NDArray[np.float64], smooth: NDArray[np.float64], at_first: int
) -> float | None:
    """Return a tenth of the rate in the middle of the lowest losses, but one that was tried; None where none fell."""
    if len(losses) <= at_first:
        return None
    first, place = losses[:at_first].mean(), smooth.argmin()
    fall = first - smooth[place]
    # From one step to the next, until they rise again, losses differ by little but their noise.
    noise = math.sqrt(np.mean(np.diff(losses[: max(place, at_first)]) ** 2) / 2)
    if fall <= max(_LEAST_FALL * first, _BEYOND_NOISE * noise):
        return None
    floor = np.flatnonzero(smooth <= smooth[place] + _FLOOR * fall)
    return float(max(rates[0], rates[int(np.median(floor))] / 10))
