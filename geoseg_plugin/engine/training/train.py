"""The stage that trains a network."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from ....models.card import Band, Card
from ....models.catalog import build_network, choose_encoder, name_network, network_side, own_loss, training_loss
from ....models.file import save_model
from ....models.losses.loss import LossSettings, SummedLoss
from ....models.weights import Design, give_weights
from ...contract.errors import GeosegError
from ...contract.events import Part, Report
from ...contract.stages import to_json
from ...contract.stages.training import TrainSegmentation, TrainSegmentationResult
from ..datasets.checking.preflight import check_before_training
from ..datasets.dataset import TRAIN, VALIDATION, Dataset, open_dataset
from ..device import choose_device, describe_device
from ..output import whole_file
from ..run import version
from ..scaling import Scaling
from .batches import Batches
from .checks import check_fit, input_bands, measured_tiles
from .loop import Course, Fit, fit
from .objective import choose_loss, describe_loss
from .tiles import TileStore
from .trial import Trial, choose_batch_size, choose_precision

_MOST_THREADS = 8
_LOOKING_SHARE = 0.01


def train_segmentation(request: TrainSegmentation, report: Report) -> TrainSegmentationResult:
    """Train a network on a dataset and write the best model, and a report on it if asked.

    Raises:
        InputError: The dataset is broken, cannot train that network, or has a fault that makes training useless.
        Cancelled: The user cancelled before the first epoch was finished; later the best model so far is kept.
        GeosegError: The device is not there or too small, the weights do not fit, or training has failed.
    """
    dataset = open_dataset(request.dataset)
    check_fit(dataset, request)
    report.progress(0.0, "Building the network")
    plan = _plan(request, dataset, report)
    check_before_training(dataset, Part(report, 0.0, _LOOKING_SHARE))
    page_file = whole_file(request.report, report) if request.report else nullcontext()
    with whole_file(request.model, report) as model_path, page_file as page_path:
        course = _prepare(request, dataset, plan, report)
        fitted = _fit(course, request, Part(report, 0.02, 0.97))
        card = _card(request, dataset, plan, fitted)
        save_model(model_path, fitted.state, card)
        if fitted.cancelled:
            report.warn(
                f"Cancelled after {len(fitted.history)} of {request.epochs} epochs: the best model so far (epoch "
                f"{fitted.best.number}) was kept{', without a report' if page_path else ''}."
            )
        elif page_path:
            report.progress(0.97, "Writing the report")
            from .page import write_report

            course.network.load_state_dict(fitted.state)
            write_report(page_path, course, fitted, card)
    best = fitted.best
    report.note(f"Best: epoch {best.number}, mean IoU {best.measured.scores.mean_iou:.4f}. Model: {request.model}")
    written = request.report if request.report and not fitted.cancelled else None
    return TrainSegmentationResult(request.model, written, best.measured.scores.mean_iou, best.number)


@dataclass(frozen=True)
class _Plan:
    """What is trained: the network, on its device, what it is built for and starts from, and what it minimises."""

    design: Design
    network: torch.nn.Module
    taken: str
    bands: tuple[Band, ...]
    objective: LossSettings
    loss: str


def _plan(request: TrainSegmentation, dataset: Dataset, report: Report) -> _Plan:
    """Build the network, and so refuse what cannot be before any tile is looked at."""
    objective = choose_loss(request, dataset)
    device = choose_device(request.device)
    encoder = choose_encoder(request.architecture, request.encoder, request.other_encoder)
    design = Design(request.architecture, encoder, dataset.bands, dataset.classes.names)
    torch.manual_seed(request.seed)
    network = build_network(design.architecture, design.encoder, len(dataset.bands), len(dataset.classes))
    taken = give_weights(network, design, request.weights, report)
    bands = input_bands(dataset.statistics, report)
    words = "; ".join(filter(None, [describe_loss(objective, dataset.classes.names), own_loss(network)]))
    network = network.to(device, memory_format=torch.channels_last)
    return _Plan(design, network, taken, bands, objective, words)


def _prepare(request: TrainSegmentation, dataset: Dataset, plan: _Plan, report: Report) -> Course:
    """Choose the batch size and the precision."""
    network, design = plan.network, plan.design
    device = next(network.parameters()).device
    loss = SummedLoss(plan.objective)
    learned, measured = dataset.split(TRAIN), measured_tiles(dataset, report)
    report.progress(0.015, "Trying the device")
    teaching = training_loss(network, loss)
    trial = Trial(network, teaching, len(plan.bands), network_side(dataset.tile_size))
    precision, reason = choose_precision(request.precision, trial, device)
    size = choose_batch_size(request.batch_size, len(learned), trial, precision, device)
    report.note(
        f"{name_network(design.architecture, design.encoder)}, {plan.taken}, on {describe_device(device)}, {precision} "
        f"({reason}), {len(learned)} training and {len(dataset.split(VALIDATION))} validation tiles, {size} per step"
    )
    report.note(f"Loss: {plan.loss}")
    on_gpu = device.type == "cuda"
    threads = min(_MOST_THREADS, os.cpu_count() or 1) if on_gpu else 1
    batches = Batches(TileStore(dataset), Scaling(plan.bands), size, pinned=on_gpu, threads=threads)
    weights = plan.objective.class_weights
    return Course(network, loss, teaching, batches, dataset, learned, measured, precision, weights)


def _fit(course: Course, request: TrainSegmentation, report: Report) -> Fit:
    torch.manual_seed(request.seed)
    try:
        return fit(course, request, report)
    except torch.OutOfMemoryError as error:
        raise GeosegError(
            "The GPU's memory is too small for this batch.", "Lower BATCH_SIZE (0 chooses), or use smaller tiles."
        ) from error
    except ValueError as error:
        # What torch's batch normalisation says when one tile leaves it a single value per channel.
        if "more than 1 value per channel" not in str(error):
            raise
        raise GeosegError(
            f"{request.architecture} cannot learn from one tile at a time.", "Set BATCH_SIZE to 2 or more."
        ) from error


def _card(request: TrainSegmentation, dataset: Dataset, plan: _Plan, fitted: Fit) -> Card:
    import segmentation_models_pytorch

    return Card(
        architecture=request.architecture,
        encoder=plan.design.encoder,
        bands=plan.bands,
        dtype=dataset.dtype,
        classes=dataset.classes,
        ignore_value=dataset.ignore_value,
        tile_size=dataset.tile_size,
        pixel_size=dataset.pixel_size,
        crs=dataset.crs,
        dataset=str(dataset.folder.absolute()),
        fingerprint=dataset.fingerprint,
        request=to_json(request),
        loss=plan.loss,
        metrics=_metrics(dataset, fitted),
        versions={
            "geoseg": version(),
            "torch": torch.__version__,
            "segmentation-models-pytorch": segmentation_models_pytorch.__version__,
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _metrics(dataset: Dataset, fitted: Fit) -> dict[str, Any]:
    """Return the figures of the best epoch as plain values, None where there is none."""
    scores = fitted.best.measured.scores
    kinds = {"iou": scores.iou, "f1": scores.f1, "precision": scores.precision, "recall": scores.recall}
    return {
        "measured_on": VALIDATION if dataset.split(VALIDATION) else TRAIN,
        "iou": scores.mean_iou,
        "accuracy": scores.accuracy,
        "best_epoch": fitted.best.number,
        "epochs": len(fitted.history),
        "classes": {
            name: {kind: None if math.isnan(values[index]) else float(values[index]) for kind, values in kinds.items()}
            for index, name in enumerate(dataset.classes.names)
        },
    }
