"""What is trained, and with what: chosen from the request, the dataset and the device."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import torch

from ....models.card import Band
from ....models.catalog import build_network, name_network, network_side, own_loss, training_loss
from ....models.losses.loss import LossSettings, SummedLoss
from ....models.start import choose_start
from ....models.weights import Design, give_weights
from ...contract.events import Part, Report
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import TRAIN, VALIDATION, Dataset
from ..device import choose_device, describe_device
from ..precision import warn_if_slow
from ..processes.processes import ALONE, Processes
from ..scaling import Scaling
from .augmentation.variation import Variation
from .batches import Batch, Batches
from .checks import check_told_classes, measured_tiles
from .compiling import Work, choose_compiling, compile_network
from .course import Course
from .idle_values import warn_of_idle_values
from .input_scaling import input_bands, input_means, input_stds
from .objective import choose_loss, describe_loss
from .optimization.freezing import check_freezing
from .optimization.rate_search import find_learning_rate, search_steps
from .sampling.sampler import build_sampler, epoch_length
from .tiles import TileStore, room_for_tiles
from .trial import Trial, choose_batch_size, choose_precision

_MOST_THREADS = 8
_FAR_BELOW = 0.1
_TRYING, _TRIED = 0.015, 0.02  # where trials begin and end, of the whole
_LARGER_MEASURED = 4  # times as many pixels as a network learns from at once fit into memory when it only looks


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
        processes: Those that share the work.
    """

    design: Design
    network: torch.nn.Module
    taken: str
    bands: tuple[Band, ...]
    objective: LossSettings
    loss: str
    processes: Processes

    @property
    def name(self) -> str:
        """The network in words."""
        return name_network(self.design.architecture, self.design.encoder)

    @property
    def device(self) -> torch.device:
        """What the network is on."""
        device: torch.device = next(self.network.parameters()).device
        return device

    @property
    def devices(self) -> int:
        """How many GPUs share the work, or how many machines with their processors."""
        return self.processes.size if self.device.type == "cuda" else self.processes.size // self.processes.here


def make_plan(request: TrainSegmentation, dataset: Dataset, report: Report, processes: Processes = ALONE) -> Plan:
    """Build the network, and so refuse what cannot be before any tile is looked at.

    Args:
        request: What was asked for.
        dataset: The dataset.
        report: Where warnings go.
        processes: Those that share the work; all of them get the first weights of the first.

    Raises:
        GeosegError: The device is not there, a value does not fit the network or the dataset, or weights do not.
    """
    objective = choose_loss(request, dataset)
    device = processes.device or choose_device(request.device)
    encoder, weights = choose_start(request.architecture, request.encoder, request.other_encoder, request.weights)
    design = Design(request.architecture, encoder, dataset.bands, dataset.classes.names)
    check_freezing(request, weights, report)
    warn_of_idle_values(request, report)
    warn_if_slow(request.precision, device, report)
    torch.manual_seed(request.seed)
    network = build_network(design.architecture, design.encoder, len(dataset.bands), len(dataset.classes))
    taken = give_weights(network, design, weights, report)
    if processes.size > 1:
        network.load_state_dict(processes.decide(network.state_dict))
    bands = input_bands(dataset.statistics, request, report)
    words = "; ".join(filter(None, [describe_loss(objective, dataset.classes.names), own_loss(network)]))
    network = network.to(device, memory_format=torch.channels_last)
    return Plan(design, network, taken, bands, objective, words, processes)


def prepare_course(
    request: TrainSegmentation, dataset: Dataset, plan: Plan, chosen: dict[str, Any], report: Report
) -> Course:
    """Let the first process choose precision, batch size and learning rate by trial; put together what training needs.

    Args:
        request: What was asked for.
        dataset: The dataset.
        plan: What is trained.
        chosen: What an earlier run of this training has chosen, as `Course.found` had it; {} where there was none.
        report: Where it is told.

    Raises:
        InputError: The tiles do not fit what was asked for.
        GeosegError: The memory is too small for two tiles.
    """
    processes, loss = plan.processes, SummedLoss(plan.objective)
    learned, measured = dataset.split(TRAIN), measured_tiles(dataset, report)
    check_told_classes(request, dataset, report)
    means, stds = (of(plan.bands, dataset.statistics).tolist() for of in (input_means, input_stds))
    variation = Variation.of(request, means, stds)
    side = variation.side(dataset.tile_size)
    shown = (side / dataset.tile_size) ** 2
    epoch_tiles = epoch_length(request, len(learned), shown)
    sampler = build_sampler(request, dataset, learned, epoch_tiles, report)
    report.progress(_TRYING, "Trying the device")
    teaching = training_loss(plan.network, loss)
    trial = Trial(plan.network, teaching, len(plan.bands), network_side(side))
    precision, reason, size = processes.decide(lambda: _try(request, chosen, trial, plan, epoch_tiles))
    parts = f", parts of {side} x {side} pixels" if side < dataset.tile_size else ""
    report.note(
        f"{plan.name}, {plan.taken}, on {describe_device(plan.device)}, {precision} ({reason}), {len(learned)} "
        f"training and {len(dataset.split(VALIDATION))} validation tiles, {size} per batch{parts}"
        + (f", shared by {processes.size} processes" if processes.size > 1 else "")
    )
    report.note(f"Loss: {plan.loss}")
    work = Work(
        request.epochs * math.ceil(epoch_tiles / size), size // processes.size, precision,
        60 * request.time_budget or math.inf,
    )  # fmt: skip
    compiled = processes.decide(lambda: _try_compiling(request, chosen, trial, work, report))
    if compiled:
        compile_network(plan.network)
    batches = _make_batches(
        request, dataset, plan, variation, size=size, most_measured=int(_LARGER_MEASURED * shown * size)
    )
    course = Course(
        plan.network, loss, teaching, batches, sampler, dataset, learned, measured, precision, size, epoch_tiles,
        chosen.get("learning_rate", request.learning_rate), plan.design.encoder, plan.taken, compiled,
        plan.objective.class_weights, processes,
    )  # fmt: skip
    if chosen or not request.find_learning_rate:
        return course
    searched = Part(report, _TRYING, _TRIED)
    return replace(course, learning_rate=processes.decide(lambda: _find_learning_rate(course, request, searched)))


def _try(
    request: TrainSegmentation, chosen: dict[str, Any], trial: Trial, plan: Plan, tiles: int
) -> tuple[str, str, int]:
    """Return precision, why, and tiles per batch: as many for each process, and two or more where there are several.

    BATCH_SIZE is that of all processes together. Where it is 0, each GPU takes the size that suits it; but processes
    that work on one processor, with one memory, share the size that suits that.
    """
    device, processes = plan.device, plan.processes.size
    precision, reason = (
        (chosen["precision"], "as before") if chosen else choose_precision(request.precision, trial, device)
    )
    size = chosen.get("batch_size") or request.batch_size
    if not size:
        size = plan.devices * choose_batch_size(0, tiles, trial, precision, device)
    if processes == 1:
        return precision, reason, size
    return precision, reason, processes * max(2, math.ceil(size / processes))


def _try_compiling(
    request: TrainSegmentation, chosen: dict[str, Any], trial: Trial, work: Work, report: Report
) -> bool:
    """Return whether the network is to be compiled."""
    if chosen:
        return bool(chosen["compiled"])
    compiled, reason = choose_compiling(request.compile, trial, work)
    if reason:
        report.note(reason)
    return compiled


def _make_batches(
    request: TrainSegmentation, dataset: Dataset, plan: Plan, variation: Variation, *, size: int, most_measured: int
) -> Batches:
    """Return what makes batches, of `size` tiles to learn from, and of `most_measured` to measure on at most."""
    processes, on_gpu = plan.processes, plan.device.type == "cuda"
    # What is measured comes in the batches of one process alone, as the loss is a mean over batches.
    measured_size = request.batch_size or size // plan.devices
    return Batches(
        TileStore(dataset, room_for_tiles() // processes.here if dataset.source is None else 0),
        Scaling(plan.bands),
        size,
        measured_size=max(1, min(measured_size, most_measured // processes.size)),
        variation=variation,
        pinned=on_gpu,
        threads=min(_MOST_THREADS, max(1, (os.cpu_count() or 1) // processes.here)) if on_gpu else 1,
        processes=processes,
    )


def _find_learning_rate(course: Course, request: TrainSegmentation, report: Report) -> float:
    """Return the learning rate that a search finds, in one process."""
    draw, alone = course.sampler.draw(1), course.batches.alone()
    steps = search_steps(request.epochs * alone.count(len(draw)) // request.accumulation)

    def feed() -> Generator[Batch]:
        for turn in itertools.count():
            with closing(alone.drawn(course.learned, draw, request.seed, -turn % 2**32)) as batches:
                yield from batches

    with closing(feed()) as batches:
        found = find_learning_rate(
            course.network, course.training_loss, batches, request, report, precision=course.precision, steps=steps
        )
    if found < _FAR_BELOW * request.learning_rate:
        report.warn(
            f"The learning rate that was found, {found:.2g}, lies far below LEARNING_RATE. "
            "With few tiles or small batches the search can be misled. Compare with FIND_LEARNING_RATE off."
        )
    return found
