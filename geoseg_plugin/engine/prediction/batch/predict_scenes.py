"""Puts many scenes through one network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ....contract.errors import Cancelled, GeosegError
from ....contract.events import Part, Report
from ....contract.stages.many_scenes import PredictScenes, PredictScenesResult
from ....contract.stages.prediction import PredictSegmentation
from ...gathering import Gathering
from ...imagery.paths import name_some
from ..opinions.opening import open_predictor
from ..opinions.predictor import Predictor
from ..opinions.samples import sample_windows
from ..opinions.settling import SAMPLE_WINDOWS, settle
from ..pipeline import Item, pump
from ..predict import cover, part_into_regions, window_size
from ..scenes.scene import open_scene
from .earlier import find_unfinished, read_origins, refuse_foreign_files
from .scene_list import list_scenes
from .scene_map import SceneMap

_REASONS_TOLD = 20


def predict_scenes(request: PredictScenes, report: Report) -> PredictScenesResult:
    """Map every scene that is not finished yet.

    Args:
        request: What is asked for.
        report: Hears of progress, of what looks odd, and of the metrics `wall_s` and `network_s`.

    Raises:
        RequestError: There is no scene, or two would have results of one name.
        ModelError: The model cannot be read.
        OutputError: A file that GeoSeg has not made is in the way.
        GeosegError: Some scenes could not be mapped; the others are.
        Cancelled: The user has asked to stop; finished scenes stay.
    """
    report.progress(0.0, "Looking at what is there")
    scenes = list_scenes(request)
    origins = read_origins(scenes, report)
    refuse_foreign_files(scenes, origins)
    unfinished = find_unfinished(scenes, origins, report) if request.skip_finished else scenes
    skipped = len(scenes) - len(unfinished)
    if skipped:
        report.note(f"{skipped} of {len(scenes)} scenes are finished already")
    if not unfinished:
        return PredictScenesResult(
            output=request.output, count=0, skipped=skipped, pixels_per_second=0.0, device="", precision="", backend=""
        )
    report.progress(0.01, "Loading the model")
    job = _Job(unfinished, open_predictor(request, report), Part(report, 0.02, 0.99))
    started = time.monotonic()
    try:
        job.run(request)
    except Cancelled as error:
        raise Cancelled(
            f"Cancelled; {job.finished + skipped} of {len(scenes)} scenes are finished in {request.output}.",
            "Run it again with the same values to go on.",
        ) from error
    wall = time.monotonic() - started
    report.metric("wall_s", wall, 0)
    report.metric("network_s", job.predictor.seconds, 0)
    job.raise_failures(len(scenes))
    return PredictScenesResult(
        output=request.output,
        count=job.finished,
        skipped=skipped,
        pixels_per_second=job.pixels / wall,
        device=job.predictor.device,
        precision=job.predictor.precision,
        backend=job.predictor.backend,
    )


class _Job:
    """All scenes on their way through one network.

    Args:
        scenes: The request for each.
        predictor: What answers.
        report: The report of the whole job.

    Attributes:
        predictor: What really answers.
        finished: How many are mapped.
        pixels: How many pixels with data their maps have.
        failures: Paths of the others, and why they could not be mapped.
    """

    def __init__(self, scenes: Sequence[PredictSegmentation], predictor: Predictor, report: Report) -> None:
        self.finished = self.pixels = 0
        self.failures: dict[str, str] = {}
        self._scenes = scenes
        self.predictor = predictor
        self._report = report
        self._gathering = Gathering(report)
        self._maps: list[SceneMap] = []  # those on their way

    def run(self, request: PredictScenes) -> None:
        """Map all.

        Raises:
            Cancelled: The user has asked to stop.
        """
        size = window_size(request.tile_size, self.predictor, self._report)
        self._settle(request, size)
        count, device = len(self._scenes), self.predictor.device
        self._report.progress(0.0, f"Predicting {count} scenes in windows of {size} pixels on {device}")
        try:
            pump(self._items(size), self.predictor, _SceneCount(self._report, count))
        finally:
            for one in self._maps:
                one.discard()
            self._count_ended()
            self._gathering.warn_once()

    def _settle(self, request: PredictScenes, size: int) -> None:
        """Take the way that runs fastest on windows of the first scene, if it can be read."""
        first = self._scenes[0]
        try:
            with open_scene(first.input, first, self.predictor.cards, self._report_of(first)) as scene:
                coverage = cover(scene, size, first.overlap / 100, first.blending)
                regions = part_into_regions(scene, coverage)
                count = len(self._scenes) * sum(region.window_count for region in regions)
                sample = partial(sample_windows, scene, coverage, regions, SAMPLE_WINDOWS)
                self.predictor = settle(self.predictor, request, sample, count, self._report)
        except Cancelled:
            raise
        except GeosegError as error:  # it is told when the turn comes to that scene
            self._report.detail(f"No trial: {error}")

    def _report_of(self, request: PredictSegmentation) -> Report:
        words = [request.input, Path(request.input).name, Path(request.input).stem]
        return self._gathering.report_of(request.input, words, lambda *_: None)

    def raise_failures(self, total: int) -> None:
        """Raise an error that names every scene that could not be mapped; of very many the first ones.

        Args:
            total: How many scenes there are, with those finished earlier.
        """
        if self.failures:
            told = name_some([f"{path}: {reason}" for path, reason in self.failures.items()], _REASONS_TOLD)
            others = total - len(self.failures)
            raise GeosegError(
                f"{len(self.failures)} of {total} scenes could not be mapped. {told}",
                f"The other {others} are finished. Correct or remove these, and run it again." if others else "",
            )

    def _items(self, size: int) -> Iterator[Item]:
        """Yield what passes the network, scene after scene; in the reading thread."""
        count = len(self._scenes)
        for number, request in enumerate(self._scenes):
            self._count_ended()
            one = SceneMap(request, self.predictor, size, self._report_of(request))
            self._maps.append(one)
            yield from one.items(number / count, (number + 1) / count)

    def _count_ended(self) -> None:
        """Forget scenes that have ended, so that memory does not grow with their number."""
        for one in [one for one in self._maps if one.has_ended]:
            self._maps.remove(one)
            if one.error:
                self.failures[one.request.input] = one.error
                self._report.note(f"{one.request.input} could not be mapped: {one.error}")
            else:
                self.finished += 1
                self.pixels += one.pixels


class _SceneCount(Part):
    """A report whose progress is told in scenes; of many not every one is named.

    Args:
        whole: The report of all scenes.
        count: How many they are.
    """

    def __init__(self, whole: Report, count: int) -> None:
        super().__init__(whole, 0.0, 1.0)
        self._count = count
        self._step = max(1, count // 100)

    def progress(self, fraction: float, text: str = "") -> None:
        """Pass the progress on, with the number of the scene that it has come to."""
        number = min(int(fraction * self._count), self._count - 1)
        super().progress(fraction, f"Scene {number - number % self._step + 1} of {self._count}")
