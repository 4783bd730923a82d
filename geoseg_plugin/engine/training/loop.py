"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from ...contract.errors import Cancelled, InputError
from ...contract.events import Report
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import VALIDATION
from ..processes.processes import SharedReport
from .batches import grouped
from .checks import check_shown_classes, check_weights, not_finite, shows_all, warn_if_constant
from .clock import Clock
from .course import Course, Epoch, Fit
from .lesson import Lesson
from .optimization.freezing import training_mode
from .pulse import Pulse
from .state import State
from .tracking.epoch_figures import figure_names, name_figures
from .validation import Measurement, measure

# A training step does a forward and a backward pass of about twice the work, a measurement only a forward pass.
_TRAINING_WORK = 3

Save = Callable[[dict[str, Any]], None]
Tell = Callable[[Epoch, State], None]


class Loop:
    """Trains for the asked number of epochs and keeps the weights of the one with the highest mean IoU.

    Of equal ones, as when all is called background at first, that with the lowest loss counts, and then the latest.
    Several processes each run a loop of their own, in step: all of them know the same of every epoch.

    Args:
        course: What training works with.
        request: What was asked for.
        report: Where progress and figures go.
        spent_s: Seconds of TIME_BUDGET that are gone.
    """

    def __init__(self, course: Course, request: TrainSegmentation, report: Report, spent_s: float = 0.0) -> None:
        self.course = course
        self.request = request
        self._report = report
        self._steps = math.ceil(course.batches.count(course.epoch_tiles) / request.accumulation)
        self._rounds = course.batches.count_rounds(len(course.measured))
        self.state = State(course, request, request.epochs * self._steps)
        # Of several processes, the learning rate, the end in time and the wish to stop must be known to all alike.
        now = course.processes.now
        self.clock = Clock(request.epochs * self._steps, 60 * request.time_budget, spent_s, now)
        self._pulse = Pulse(SharedReport(report, course.processes), request.epochs * self._work, self.clock)
        self._warned = False

    @property
    def _work(self) -> int:
        return _TRAINING_WORK * self._steps + self._rounds

    def resume(self, values: dict[str, Any]) -> None:
        """Go on where a checkpoint has left off: `values` are what `fit` has saved."""
        self.state.unpack(values["state"])
        done = len(self.state.history)
        self.clock.go_on(done * self._steps, values["clock"])
        self._pulse.skip(done * self._work)

    def fit(self, save: Save, tell: Tell) -> Fit:
        """Train.

        Args:
            save: Takes, after every epoch, what `resume` needs.
            tell: Takes every epoch, with the state after it.

        Raises:
            Cancelled: The user cancelled before the first epoch was finished.
            GeosegError: The loss is no finite number any more, or the memory is too small.
            InputError: There is nothing labelled to learn from or to measure on.
        """
        state, ended, cancelled = self.state, self._why_end(), False
        try:
            while not ended and len(state.history) < self.request.epochs:
                epoch = self._train_epoch(len(state.history) + 1)
                state.keep(epoch)
                self._tell(epoch)
                tell(epoch, state)
                save({"state": state.pack(), "clock": self.clock.state()})
                ended = self._why_end()
        except Cancelled:
            cancelled = True
        if state.best is None:
            raise Cancelled
        if not self._warned:
            warn_if_constant(state.best.measured, self.course.dataset.classes, state.best.number, self._report)
        return Fit(tuple(state.history), state.best, state.best_weights, ended, cancelled)

    def _why_end(self) -> str:
        """Return why training ends before all epochs, "" where it does not."""
        best, done = self.state.best, len(self.state.history)
        if best is None or done >= self.request.epochs:
            return ""
        if self.clock.is_over:
            return f"TIME_BUDGET was up after {done} of {self.request.epochs} epochs."
        if self.request.patience and done - best.number >= self.request.patience:
            return f"No epoch was better than epoch {best.number} for {self.request.patience} epochs (PATIENCE)."
        return ""

    def _train_epoch(self, number: int) -> Epoch:
        course, started = self.course, time.monotonic()
        self._pulse.start(f"Epoch {number} of {self.request.epochs}")
        lesson = self.learn(number)
        self.state.unite()
        learned = self.clock.spent_s
        measured = self._measure()
        self.clock.reserve(self.clock.spent_s - learned)
        self.state.schedule.after_epoch(measured.loss)
        self._warned = self._warned or (
            number > 1 and warn_if_constant(measured, course.dataset.classes, number, self._report)
        )
        return Epoch(number, lesson.loss, measured, time.monotonic() - started, lesson.learning_rate)

    def learn(self, number: int) -> Lesson:
        """Let the network see the tiles of an epoch."""
        course, request, clock = self.course, self.request, self.clock
        lesson = Lesson(len(course.dataset.classes), course.processes)
        clock.steps_done = (number - 1) * self._steps
        mode = training_mode(course.network, frozen=number <= request.frozen_epochs)
        feed = course.batches.drawn(course.learned, course.sampler.draw(number), request.seed, number)
        with mode, closing(feed):
            for batches in grouped(feed, request.accumulation):
                rate = course.learning_rate * self.state.schedule.factor(clock.done)
                learned = self.state.learner.step(batches, rate)
                clock.steps_done += 1
                lesson.note(batches, learned, rate)
                if number == 1:
                    lesson.count(batches)
                tiles = sum(len(batch.images) for batch in batches) * course.processes.size
                beats = self._pulse.beat(_TRAINING_WORK, tiles)
                if beats and not math.isfinite(learned.loss.item()):
                    raise not_finite(course.learning_rate, course.dataset.statistics, number)
                if clock.is_over:
                    break
        if not math.isfinite(lesson.loss):
            raise not_finite(course.learning_rate, course.dataset.statistics, number)
        errors = lesson.gather_errors()
        if errors is not None:
            course.sampler.note(*errors)
        if number == 1:
            self._judge_first(lesson)
        return lesson

    def _judge_first(self, lesson: Lesson) -> None:
        """Warn of what the first epoch has shown, and of an end before it has."""
        course, request, clock = self.course, self.request, self.clock
        if clock.steps_done < self._steps:
            self._report.warn(
                f"TIME_BUDGET was up after {clock.steps_done} of the {self._steps} steps of the first epoch: the "
                "network has seen only a part of what there is to learn from. Give more time, or choose a smaller "
                "network or EPOCH_TILES."
            )
        elif shows_all(request):
            pixels = lesson.count_pixels()
            check_shown_classes(request, course.dataset, pixels, self._report)
            check_weights(request, course.class_weights, pixels, course.dataset.classes, self._report)

    def _measure(self) -> Measurement:
        course = self.course
        with closing(course.batches.by_turns(course.measured)) as feed:
            measured = measure(
                self.state.network, course.loss, feed, len(course.dataset.classes), precision=course.precision,
                pulse=self._pulse, rounds=self._rounds, processes=course.processes,
            )  # fmt: skip
        if not measured.matrix.any():
            raise InputError(
                "No validation tile has a labelled pixel.",
                "Set 'split' of some labelled tiles in tiles.gpkg to validation.",
            )
        return measured

    def _tell(self, epoch: Epoch) -> None:
        course, report, scores = self.course, self._report, epoch.measured.scores
        names = course.dataset.classes.names
        absent = "not in validation" if course.dataset.split(VALIDATION) else "not in training"
        each = ", ".join(
            f"{name} {absent if math.isnan(iou) else f'{iou:.3f}'}" for name, iou in zip(names, scores.iou, strict=True)
        )
        report.note(
            f"Epoch {epoch.number}: loss {epoch.loss:.4f}, mean IoU {scores.mean_iou:.4f} ({each}), "
            f"{epoch.seconds:.1f} s"
        )
        for name, value in name_figures(epoch, figure_names(course.dataset.classes, course.loss.names)).items():
            if not math.isnan(value):
                report.metric(name, value, epoch.number)
