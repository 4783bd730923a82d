"""The training loop."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.losses.loss import Loss, TrainingLoss
from ...contract.errors import Cancelled, GeosegError, InputError
from ...contract.events import Report
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import VALIDATION, Dataset, Tile
from .batches import Batches
from .checks import check_classes, check_weights, not_finite, warn_if_constant
from .clock import Clock
from .pulse import Pulse
from .trial import step
from .validation import Measurement, measure

_WARM_UP_SHARE = 0.05
_MOST_WARM_UP_STEPS = 200
_LARGEST_GRADIENT = 1.0
# A training step does a forward and a backward pass of about twice the work, a measurement only a forward pass.
_TRAINING_WORK = 3


@dataclass(frozen=True)
class Epoch:
    """One finished epoch: its number from 1, the mean training loss, what was measured after it, and its duration."""

    number: int
    loss: float
    measured: Measurement
    seconds: float


@dataclass(frozen=True)
class Course:
    """All that a training needs beside the request.

    Attributes:
        network: The network on its device; it is trained in place.
        loss: What is minimised, of logits.
        training_loss: The same of what the network gives in training mode.
        batches: Makes batches of tiles.
        dataset: The dataset.
        learned: The tiles to learn from.
        measured: The tiles to measure on.
        precision: "float32" or "bfloat16".
        class_weights: What classes count in the loss (K,); () where all count the same.
    """

    network: torch.nn.Module
    loss: Loss
    training_loss: TrainingLoss
    batches: Batches
    dataset: Dataset
    learned: tuple[Tile, ...]
    measured: tuple[Tile, ...]
    precision: str
    class_weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Fit:
    """What training gave: finished epochs, the best of them, its weights on the CPU, and whether it was cancelled."""

    history: tuple[Epoch, ...]
    best: Epoch
    state: dict[str, torch.Tensor]
    cancelled: bool


def fit(course: Course, request: TrainSegmentation, report: Report) -> Fit:
    """Train for the asked number of epochs and keep the weights of the one with the highest mean IoU.

    Of equal ones, as when all is called background at first, that with the lowest loss counts, and then the latest.

    AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101) with a short warm-up and a cosine decay.

    Raises:
        Cancelled: The user cancelled before the first epoch was finished.
        GeosegError: The loss is no finite number any more.
        InputError: There is nothing labelled to learn from or to measure on.
    """
    optimiser = torch.optim.AdamW(course.network.parameters(), lr=request.learning_rate, fused=True)
    steps = course.batches.count(len(course.learned))
    work = _TRAINING_WORK * steps + course.batches.count(len(course.measured))
    pulse = Pulse(report, request.epochs * work, Clock(request.epochs * steps))
    history: list[Epoch] = []
    best: Epoch | None = None
    state: dict[str, torch.Tensor] = {}
    warned = False
    try:
        for number in range(1, request.epochs + 1):
            started = time.monotonic()
            pulse.start(f"Epoch {number} of {request.epochs}")
            loss, counts = _learn(course, request, optimiser, number, pulse)
            if number == 1:
                check_classes(counts, course.dataset.classes, report)
                check_weights(request, course.class_weights, counts, course.dataset.classes, report)
            epoch = Epoch(number, loss, _measure(course, pulse), time.monotonic() - started)
            history.append(epoch)
            if best is None or _quality(epoch) >= _quality(best):
                best = epoch
                state = {name: tensor.detach().cpu().clone() for name, tensor in course.network.state_dict().items()}
            _tell(epoch, course, report)
            warned = warned or (number > 1 and warn_if_constant(epoch.measured, course.dataset.classes, number, report))
    except Cancelled:
        if best is None:
            raise
    if best is None:
        raise GeosegError("No epoch was finished.", "Set EPOCHS to 1 or more.")
    if not warned:
        warn_if_constant(best.measured, course.dataset.classes, best.number, report)
    return Fit(tuple(history), best, state, cancelled=report.is_cancelled() and len(history) < request.epochs)


def _quality(epoch: Epoch) -> tuple[float, float]:
    return epoch.measured.scores.mean_iou, -epoch.measured.loss


def _learn(
    course: Course, request: TrainSegmentation, optimiser: torch.optim.Optimizer, epoch: int, pulse: Pulse
) -> tuple[float, NDArray[np.int64]]:
    """Let the network see all training tiles once; return the mean loss and the labelled pixels of each class."""
    network, device = course.network.train(), next(course.network.parameters()).device
    classes, steps = len(course.dataset.classes), course.batches.count(len(course.learned))
    total = torch.zeros((), device=device)
    counts = torch.zeros(classes, dtype=torch.int64)
    feed = course.batches.shuffled(course.learned, request.seed, epoch, augment=request.augment)
    with closing(feed):
        for done, batch in enumerate(feed, start=(epoch - 1) * steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(done, request.epochs * steps, request.learning_rate)
            images = batch.images.to(device, memory_format=torch.channels_last, non_blocking=True)
            labels = batch.labels.to(device, non_blocking=True)
            total += step(network, course.training_loss, images, labels, course.precision)
            torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if epoch == 1:
                counts += torch.bincount(batch.labels[batch.labels >= 0], minlength=classes)
            if pulse.beat(_TRAINING_WORK, len(images)) and not math.isfinite(total.item()):
                raise not_finite(request, course.dataset.statistics, epoch)
    mean = total.item() / steps
    if not math.isfinite(mean):
        raise not_finite(request, course.dataset.statistics, epoch)
    return mean, counts.numpy()


def _measure(course: Course, pulse: Pulse) -> Measurement:
    feed = course.batches.in_order(course.measured)
    with closing(feed):
        measured = measure(
            course.network, course.loss, feed, len(course.dataset.classes), precision=course.precision, pulse=pulse
        )
    if not measured.matrix.any():
        raise InputError(
            "No validation tile has a labelled pixel.",
            "Set 'split' of some labelled tiles in tiles.gpkg to validation.",
        )
    return measured


def learning_rate(done: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step: rising for a short while, then falling along half a cosine to 0.

    Args:
        done: Steps done before.
        steps: Steps of the whole training.
        highest: The highest learning rate.
    """
    warm_up = min(_MOST_WARM_UP_STEPS, max(1, round(_WARM_UP_SHARE * steps)))
    if done < warm_up:
        return highest * (done + 1) / warm_up
    return highest * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / max(1, steps - warm_up)))


def _tell(epoch: Epoch, course: Course, report: Report) -> None:
    scores, names = epoch.measured.scores, course.dataset.classes.names
    absent = "not in validation" if course.dataset.split(VALIDATION) else "not in training"
    each = ", ".join(
        f"{name} {absent if math.isnan(iou) else f'{iou:.3f}'}" for name, iou in zip(names, scores.iou, strict=True)
    )
    report.note(
        f"Epoch {epoch.number}: loss {epoch.loss:.4f}, mean IoU {scores.mean_iou:.4f} ({each}), {epoch.seconds:.1f} s"
    )
    report.metric("loss", epoch.loss, epoch.number)
    report.metric("validation loss", epoch.measured.loss, epoch.number)
    report.metric("mean IoU", scores.mean_iou, epoch.number)
    for name, iou in zip(names, scores.iou, strict=True):
        if not math.isnan(iou):
            report.metric(f"IoU {name}", float(iou), epoch.number)
