"""A search for a good learning rate, on a copy of the network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .....models.losses.loss import TrainingLoss
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.training import TrainSegmentation
from ..batches import Batch, grouped
from ..learner import Learner, teach
from .optimizers import build_optimizer

_LOWEST, _HIGHEST = 1e-6, 10.0
_FEWEST, _MOST = 60, 100  # steps
_SHARE = 0.1  # of the training
_RECENT = 5  # losses whose mean tells whether they explode
_EXPLODED = 4.0  # times the lowest, as in fastai
_SMOOTHING = 0.3  # standard deviation, in decades of the learning rate
_AT_FIRST = 1.0  # decades in which nothing is learnt yet
_LEAST_FALL = 0.05  # share of the first losses
_BEGUN, _DONE = 0.1, 0.9  # shares of the fall
_BEYOND_NOISE = 2.0  # standard deviations of single losses; noise alone falls so far once in a hundred searches


def search_steps(training_steps: int) -> int:
    """Return how many steps a search does at most: a tenth of those of the training, within 60 and 100."""
    return min(_MOST, max(_FEWEST, round(_SHARE * training_steps)))


def find_learning_rate(
    network: torch.nn.Module, loss: TrainingLoss, batches: Iterable[Batch], request: TrainSegmentation,
    report: Report, *, precision: str, steps: int,
) -> float:  # fmt: skip
    """Try rising learning rates and return the one to train with.

    From step to step the rate grows by the same factor, and the loss first stays, then falls, then rises. Taken is the
    middle of the fall, between the rates at which a tenth and nine tenths of it are done. Its end alone, of which
    others take a tenth, tells little of losses such as dice, which cannot rise far: they may be lowest with any rate.
    Where the loss does not fall by a twentieth, and beyond its noise, LEARNING_RATE is kept, with a warning.

    Most of the noise is that some batches are harder than others. So each loss is compared with that of the same batch
    in the network as it was at first. That, and smoothing, lets a few noisy tiles do.

    Steps are those of the training, but no part is frozen. The network, its statistics and torch's random numbers stay
    as they are.

    Source: Smith 2015, https://arxiv.org/abs/1506.01186; the middle of the fall as 'valley' in fastai,
    https://docs.fast.ai/callback.schedule.html#lrfinder.

    Args:
        network: On its device, without wrappers; copies of it learn, and are compared with.
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
    at_first, copied = copy.deepcopy(network).train(), copy.deepcopy(network).train()
    optimizer = build_optimizer(copied, request, _LOWEST)
    learner = Learner(copied, loss, optimizer, precision, longest_gradient=request.clip_gradients)

    def untaught(group: Sequence[Batch]) -> float:
        with torch.no_grad():
            losses = [teach(at_first, loss, batch, precision)[0].item() for batch in group]
        return float(np.average(losses, weights=[len(batch.images) for batch in group]))

    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        losses = _try(learner, grouped(batches, request.accumulation), rates, untaught, report)
    rate = _choose(rates[: len(losses)], losses, (steps - 1) / math.log10(_HIGHEST / _LOWEST))
    if rate is None:
        rate = request.learning_rate
        report.warn(
            f"The loss fell clearly with none of the learning rates that were tried: LEARNING_RATE {rate:g} is kept. "
            "If the network does not learn with it either, check that labels lie on what they name."
        )
    else:
        report.note(f"Learning rate {rate:.2g}, in the middle of those with which the loss fell in a trial.")
    return rate


def _try(
    learner: Learner,
    groups: Iterable[Sequence[Batch]],
    rates: NDArray[np.float64],
    untaught: Callable[[Sequence[Batch]], float],
    report: Report,
) -> NDArray[np.float64]:
    """Return the loss at the step with each rate, all finite: fewer than rates where they explode.

    What was easier or harder in a batch than in others, as the untaught network has it, is taken away.
    """
    losses: list[float] = []
    before: list[float] = []
    for rate, group in zip(rates.tolist(), groups, strict=False):
        stop_if_cancelled(report)
        report.progress(len(losses) / len(rates), "Trying learning rates")
        loss = learner.step(group, rate).loss.item()
        if not math.isfinite(loss):
            break
        losses.append(loss)
        before.append(untaught(group))
        if _explode(losses):
            break
    return np.array(losses) - before + np.mean(before or [0.0])


def _explode(losses: list[float]) -> bool:
    if len(losses) < _RECENT:
        return False
    means = np.convolve(losses, np.full(_RECENT, 1 / _RECENT), "valid")
    return bool(means[-1] > _EXPLODED * means.min())


def _choose(rates: NDArray[np.float64], losses: NDArray[np.float64], per_decade: float) -> float | None:
    """Return the rate in the middle of the fall of the losses; None where none fell.

    Args:
        rates: Rising, as many of them in each decade.
        losses: With each rate.
        per_decade: How many rates that is.
    """
    at_first = round(_AT_FIRST * per_decade)
    if len(losses) <= at_first:
        return None
    # What explodes must not outweigh what was before. A running mean would move the fall to higher rates.
    smooth = gaussian_filter1d(losses.clip(max=2 * losses[0]), _SMOOTHING * per_decade, mode="nearest")
    first, place = losses[:at_first].mean(), int(smooth.argmin())
    fall = first - smooth[place]
    # From one step to the next, until they rise again, losses differ by little but their noise.
    noise = math.sqrt(np.mean(np.diff(losses[: max(place, at_first)]) ** 2) / 2)
    if fall <= max(_LEAST_FALL * first, _BEYOND_NOISE * noise):
        return None
    done = int(np.argmax(smooth <= first - _DONE * fall))
    begun = np.flatnonzero(smooth[:done] >= first - _BEGUN * fall)
    return float(math.sqrt(rates[begun[-1] if len(begun) else 0] * rates[done]))
