"""What watches a training: a folder that grows, and a run of MLflow, as far as they were asked for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import torch

from ....contract.errors import first_line
from ....contract.events import Report
from ....contract.stages import to_json
from ....contract.stages.training import TrainSegmentation
from ...run import version
from ..course import Course, Epoch
from .epoch_figures import figure_names, name_figures
from .examples import choose_examples, predict_panels
from .mlflow_run import MlflowRun, RunFacts, open_run
from .training_log import TrainingLog, open_log

_PACKAGES = ("segmentation-models-pytorch", "timm", "numpy", "rasterio")


class Trackers:
    """Tells all that were asked for what becomes known of a training.

    Args:
        course: The training.
        log: Where there is a training log.
        run: Where there is a run of MLflow.
        report: Where warnings go.
    """

    def __init__(self, course: Course, log: TrainingLog | None, run: MlflowRun | None, report: Report) -> None:
        self._course = course
        self._log = log
        self._run = run
        self._report = report
        self._names = figure_names(course.dataset.classes, course.loss.names)
        self._examples = choose_examples(course) if log is not None else ()

    def add_epoch(self, epoch: Epoch, best: torch.nn.Module | None) -> None:
        """Tell of a finished epoch. Where a tracker fails, it warns once and the training goes on.

        Args:
            epoch: The epoch.
            best: The network as it was measured, where the epoch is the best so far; it shows pictures of some tiles
                then, and is left in evaluation mode. None where the epoch is not.
        """
        figures = name_figures(epoch, self._names)
        if self._run is not None:
            self._run.add(epoch.number, figures)
        if self._log is None:
            return
        examples = () if best is None else tuple(predict_panels(self._course, best, self._examples))
        try:
            self._log.add(epoch.number, figures, examples)
        except OSError as error:
            self._report.warn(
                f"The training log {self._log.folder} cannot be written any more: {first_line(error)}. Training goes "
                "on without it."
            )
            self._log = None

    def add_results(self, model: Path, page: Path | None, *, finished: bool) -> None:
        """Tell of what the training has written.

        Args:
            model: The model file.
            page: The report, where there is one.
            finished: Whether the training has come to its end; a later run may go on with one that has not.
        """
        if self._run is not None:
            for path in filter(None, (model, page)):
                self._run.add_file(path)
            self._run.finished = finished


@contextmanager
def open_trackers(
    request: TrainSegmentation, course: Course, report: Report, *, first_epoch: int = 1
) -> Iterator[Trackers]:
    """Begin to track a training as its request says; in the end, tell the trackers how it ended.

    Args:
        request: What was asked for.
        course: What training works with.
        report: Where notes and warnings go.
        first_epoch: The first epoch that will be trained; more than 1 where the training goes on with an earlier run.

    Raises:
        OutputError: LOG cannot be written.
        GeosegError: MLflow's store cannot be reached or does not take the run.
    """
    names = figure_names(course.dataset.classes, course.loss.names)
    with ExitStack() as stack:
        log = run = None
        if request.log:
            log = stack.enter_context(
                open_log(Path(request.log), names, describe_run(request, course), first_epoch=first_epoch)
            )
        if request.mlflow:
            facts = RunFacts(
                experiment=request.experiment,
                model=Path(request.model).absolute(),
                fingerprint=course.dataset.fingerprint,
                dataset=course.dataset.name,
                parameters={**to_json(request)["parameters"], **course.chosen},
                first_epoch=first_epoch,
            )
            run = stack.enter_context(open_run(facts, report))
        yield Trackers(course, log, run, report)


def describe_run(request: TrainSegmentation, course: Course) -> dict[str, Any]:
    """Return what a run is made of, as plain values: what was asked for, what training chose, data and versions."""
    versions = {"geoseg": version(), "python": platform.python_version(), "torch": torch.__version__}
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "request": to_json(request),
        "chosen": course.chosen,
        "loss": list(course.loss.names),
        "classes": course.dataset.classes.to_json(),
        "dataset": {
            "name": course.dataset.name,
            "fingerprint": course.dataset.fingerprint,
            "training_tiles": len(course.learned),
            "measured_tiles": len(course.measured),
        },
        "versions": {**versions, **{name: package_version(name) for name in _PACKAGES}},
        "system": platform.platform(),
    }
