"""The stage that trains a network."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ....models.card import Card
from ....models.file import save_model
from ...contract.errors import GeosegError, InputError
from ...contract.events import Part, QuietReport, Report
from ...contract.stages.training import TrainSegmentation, TrainSegmentationResult
from ...contract.stages.training_parts.preset import describe_preset
from ..allocation import keep_freed_memory
from ..datasets.checking.preflight import check_before_training
from ..datasets.dataset import Dataset
from ..output import whole_file
from ..processes.joining import join_processes
from ..processes.processes import Processes
from .best_thresholds import find_thresholds
from .checkpoint import Checkpoint, checkpoint_of
from .checks import check_fit
from .course import Course, Epoch, Fit
from .loop import Loop
from .model_card import make_card
from .plan import make_plan, prepare_course
from .state import State
from .tracking.trackers import Trackers, open_trackers
from .tracking.training_log import refuse_full_folder
from .training_data import open_training_data

# Where these end, of the whole.
_OPENING_SHARE = 0.005
_LOOKING_SHARE = 0.01


def train_segmentation(request: TrainSegmentation, report: Report) -> TrainSegmentationResult:
    """Train a network on a dataset and write the best model, and what tells of its training as far as asked.

    Several processes each go through all of it; the first alone chooses, speaks and writes.

    Raises:
        InputError: The dataset is broken, cannot train that network, or has a fault that makes training useless; or
            the checkpoint to go on from is damaged or of another dataset, or what stands in its place is none.
        RequestError: That checkpoint is of a training with other values.
        Cancelled: The user cancelled before the first epoch was finished; later the best model so far is kept.
        GeosegError: The device is not there or too small, the weights do not fit, or training has failed.
    """
    started = time.monotonic()
    keep_freed_memory()
    with join_processes(request, report) as processes:
        told = report if processes.is_first else QuietReport(report)
        preset = describe_preset(request)
        if preset:
            told.note(preset)
        if request.log and processes.is_first:
            refuse_full_folder(Path(request.log), resume=request.resume and checkpoint_of(request).is_file())
        with open_training_data(request, Part(told, 0.0, _OPENING_SHARE), processes.here) as dataset:
            try:
                return _train(request, dataset, processes, started, told)
            except ValueError as error:
                # What torch's batch normalisation says when one tile leaves it a single value per channel.
                if "more than 1 value per channel" not in str(error):
                    raise
                raise GeosegError(
                    f"{request.architecture} cannot learn from one tile at a time.", "Set BATCH_SIZE to 2 or more."
                ) from error


def _train(
    request: TrainSegmentation, dataset: Dataset, processes: Processes, started: float, report: Report
) -> TrainSegmentationResult:
    check_fit(dataset, request)
    _check_alike(dataset, processes)
    checkpoint = Checkpoint(request, dataset)
    saved = processes.decide(lambda: _look_for(checkpoint, request, report))
    if processes.is_first and not saved and Path(request.model).is_file():
        report.warn(f"{request.model} exists. It is replaced at the end, or by the best model so far if you cancel.")
    report.progress(_OPENING_SHARE, "Building the network")
    plan = make_plan(request, dataset, report, processes)
    if processes.is_first:
        check_before_training(dataset, Part(report, _OPENING_SHARE, _LOOKING_SHARE))
    with ExitStack() as results:
        files = _open_files(request, results, report) if processes.is_first else None
        course = prepare_course(request, dataset, plan, saved.get("choices", {}), report)
        if files and files.preview:
            _write_preview(files.preview, course, request)
        spent_s = processes.decide(lambda: time.monotonic() - started)
        loop = Loop(course, request, Part(report, 0.02, 0.97), spent_s=spent_s)
        trackers = _open_trackers(request, course, saved, results, report) if files else None
        fitted = _fit(loop, checkpoint, saved, trackers, report)
        thresholds = {} if fitted.cancelled else find_thresholds(course, fitted.state, Part(report, 0.97, 0.98))
        if files:
            card = make_card(request, dataset, plan, fitted, thresholds)
            save_model(files.model, fitted.state, card)
            if files.page and not fitted.cancelled:
                _write_report(files.page, course, fitted, card, report)
        if files and trackers:
            page = None if fitted.cancelled else files.page
            trackers.add_results(files.model, page, finished=not fitted.cancelled)
    if processes.is_first and not fitted.cancelled:
        checkpoint.discard()
    return _conclude(request, fitted, checkpoint, report)


def _check_alike(dataset: Dataset, processes: Processes) -> None:
    """Check that all processes, which may run on several machines, see the same dataset."""
    if len(set(processes.gather(dataset.fingerprint))) > 1:
        raise InputError(
            f"The dataset {dataset.name} is not the same on all machines.", "Put it where all of them can read it."
        )


@dataclass(frozen=True)
class _Files:
    """Where results are written before they are whole, None for those that were not asked for."""

    model: Path
    page: Path | None
    preview: Path | None


def _open_files(request: TrainSegmentation, results: ExitStack, report: Report) -> _Files:
    model = results.enter_context(whole_file(request.model, report))
    page, preview = (
        results.enter_context(whole_file(path, report)) if path else None for path in (request.report, request.preview)
    )
    return _Files(model, page, preview)


def _look_for(checkpoint: Checkpoint, request: TrainSegmentation, report: Report) -> dict[str, Any]:
    """Return what an earlier run has left, {} to begin anew."""
    if not request.resume:
        checkpoint.warn_if_replaced(report)
        return {}
    saved = checkpoint.load()
    if saved is None:
        report.note(f"There is no checkpoint {checkpoint.path}: training begins anew.")
        return {}
    return saved


def _open_trackers(
    request: TrainSegmentation, course: Course, saved: dict[str, Any], results: ExitStack, report: Report
) -> Trackers:
    first = 1 + len(saved["state"]["history"]) if saved else 1
    return results.enter_context(open_trackers(request, course, report, first_epoch=first))


def _fit(loop: Loop, checkpoint: Checkpoint, saved: dict[str, Any], trackers: Trackers | None, report: Report) -> Fit:
    processes = loop.course.processes
    torch.manual_seed(loop.request.seed + processes.rank)  # else all would drop the same of their different tiles
    if saved:
        loop.resume(saved)
        report.note(f"Going on after epoch {len(loop.state.history)}, from {checkpoint.path}.")
    chosen = {"choices": loop.course.found}

    def save(values: dict[str, Any]) -> None:
        if processes.is_first:
            checkpoint.save({**chosen, **values}, report)

    def tell(epoch: Epoch, state: State) -> None:
        if trackers:
            trackers.add_epoch(epoch, state.network if state.best is epoch else None)

    return loop.fit(save, tell)


def _write_preview(path: Path, course: Course, request: TrainSegmentation) -> None:
    from .augmentation.preview import write_preview

    batches = course.batches
    write_preview(path, course.dataset, batches.store, batches.scaling, variation=batches.variation, seed=request.seed)


def _write_report(path: Path, course: Course, fitted: Fit, card: Card, report: Report) -> None:
    from .page import write_report

    report.progress(0.98, "Writing the report")
    course.network.load_state_dict(fitted.state)
    write_report(path, course, fitted, card)


def _conclude(
    request: TrainSegmentation, fitted: Fit, checkpoint: Checkpoint, report: Report
) -> TrainSegmentationResult:
    best, count = fitted.best, len(fitted.history)
    if fitted.cancelled:
        missing = ", without a report" if request.report else ""
        report.warn(
            f"Cancelled after {count} of {request.epochs} epochs: the best model so far (epoch {best.number}) was kept"
            f"{missing}. RESUME goes on, from {checkpoint.path}."
        )
    if fitted.ended:
        report.note(fitted.ended)
    report.note(f"Best: epoch {best.number}, mean IoU {best.measured.scores.mean_iou:.4f}. Model: {request.model}")
    written = None if fitted.cancelled else request.report
    return TrainSegmentationResult(
        model=request.model, report=written, preview=request.preview, log=request.log,
        best_iou=best.measured.scores.mean_iou, best_epoch=best.number, epoch_count=count,
    )  # fmt: skip
