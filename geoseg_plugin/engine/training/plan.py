"""What is trained, and with what: chosen from the request, the dataset and the device."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import torch

from ....models.card import Band
from ....models.catalog import build_network, choose_encoder, name_network, network_side, own_loss, training_loss
from ....models.losses.loss import LossSettings, SummedLoss
from ....models.weights import Design, give_weights
from ...contract.events import Report
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import TRAIN, VALIDATION, Dataset
from ..device import choose_device, describe_device
from ..scaling import Scaling
from .augmentation.variation import Variation
from .batches import Batch, Batches
from .checks import measured_tiles
from .course import Course
from .input_scaling import input_bands, input_means, input_stds
from .objective import choose_loss, describe_loss
from .optimization.freezing import check_freezing
from .optimization.rate_search import find_learning_rate, search_steps
from .sampling.sampler import build_sampler
from .tiles import TileStore
from .trial import Trial, choose_batch_size, choose_precision

_MOST_THREADS = 8


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        design: What the network is built for.
        network: The network with its first weights, on its device.
        taken: In words, what it starts from.
        bands: Its input.
        objective: What it minimises.
        loss: The same in words.
    """

    design: Design
    network: torch.nn.Module
    taken: str
    bands: tuple[Band, ...]
    objective: LossSettings
    loss: str


def make_plan(request: TrainSegmentation, dataset: Dataset, report: Report) -> Plan:
    """Build the network, and so refuse what cannot be before any tile is looked at.

    Raises:
        GeosegError: The device is not there, a value does not fit the network or the dataset, or weights do not.
    """
    objective = choose_loss(request, dataset)
    device = choose_device(request.device)
    encoder = choose_encoder(request.architecture, request.encoder, request.other_encoder)
    design = Design(request.architecture, encoder, dataset.bands, dataset.classes.names)
    check_freezing(request, report)
    torch.manual_seed(request.seed)
    network = build_network(design.architecture, design.encoder, len(dataset.bands), len(dataset.classes))
    taken = give_weights(network, design, request.weights, report)
    bands = input_bands(dataset.statistics, request, report)
    words = "; ".join(filter(None, [describe_loss(objective, dataset.classes.names), own_loss(network)]))
    network = network.to(device, memory_format=torch.channels_last)
    return Plan(design, network, taken, bands, objective, words)


def prepare_course(
    request: TrainSegmentation, dataset: Dataset, plan: Plan, chosen: dict[str, Any], report: Report
) -> Course:
    """Choose precision, batch size and learning rate by trial, and put together what training works with.

    Args:
        request: What was asked for.
        dataset: The dataset.
        plan: What is trained.
        chosen: What an earlier run of this training has chosen, as `choices` gave it; {} where there was none.
        report: Where it is told.

    Raises:
        InputError: The tiles do not fit what was asked for.
        GeosegError: The memory is too small for two tiles.
    """
    device = next(plan.network.parameters()).device
    loss = SummedLoss(plan.objective)
    learned, measured = dataset.split(TRAIN), measured_tiles(dataset, report)
    sampler = build_sampler(request, dataset, learned, report)
    means, stds = (of(plan.bands, dataset.statistics).tolist() for of in (input_means, input_stds))
    variation = Variation.of(request, means, stds)
    report.progress(0.015, "Trying the device")
    teaching = training_loss(plan.network, loss)
    trial = Trial(plan.network, teaching, len(plan.bands), network_side(variation.side(dataset.tile_size)))
    precision, reason = (
        (chosen["precision"], "as before") if chosen else choose_precision(request.precision, trial, device)
    )
    size = chosen.get("batch_size") or choose_batch_size(request.batch_size, len(learned), trial, precision, device)
    report.note(
        f"{name_network(plan.design.architecture, plan.design.encoder)}, {plan.taken}, on {describe_device(device)}, "
        f"{precision} ({reason}), {len(learned)} training and {len(dataset.split(VALIDATION))} validation tiles, "
        f"{size} per batch"
    )
    report.note(f"Loss: {plan.loss}")
    on_gpu = device.type == "cuda"
    batches = Batches(
        TileStore(dataset), Scaling(plan.bands), size, variation=variation, pinned=on_gpu,
        threads=min(_MOST_THREADS, os.cpu_count() or 1) if on_gpu else 1,
    )  # fmt: skip
    course = Course(
        plan.network, loss, teaching, batches, sampler, dataset, learned, measured, precision, size,
        chosen.get("learning_rate", request.learning_rate), plan.objective.class_weights,
    )  # fmt: skip
    return course if chosen or not request.find_learning_rate else _find_learning_rate(course, request, report)


def choices(course: Course) -> dict[str, Any]:
    """Return what was chosen by trial, for a later run of the same training."""
    return {
        "precision": course.precision, "batch_size": course.batch_size, "learning_rate": course.learning_rate,
    }  # fmt: skip


def _find_learning_rate(course: Course, request: TrainSegmentation, report: Report) -> Course:
    """Return the course with the learning rate that a search finds."""
    draw = course.sampler.draw(1)
    steps = search_steps(request.epochs * course.batches.count(len(draw)) // request.accumulation)

    def feed() -> Generator[Batch]:
        for turn in itertools.count():
            with closing(course.batches.drawn(course.learned, draw, request.seed, -turn % 2**32)) as batches:
                yield from batches

    with closing(feed()) as batches:
        found = find_learning_rate(
            course.network, course.training_loss, batches, request, report, precision=course.precision, steps=steps
        )
    return replace(course, learning_rate=found.rate)
