"""Scenes on their way through one network, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ....contract.errors import Cancelled
from ....contract.events import Part, Report
from ....contract.stages.many_scenes import PredictScenes
from ....contract.stages.prediction import PredictSegmentation
from ...gathering import Gathering, OneOfMany
from ..opinions.predictor import Predictor
from ..opinions.samples import sample_windows
from ..opinions.settling import SAMPLE_WINDOWS, settle
from ..pipeline import Item, pump
from ..placing import place_windows
from ..scenes.scene import open_scene
from .scene_map import FAULTS, SceneMap


@dataclass
class Outcome:
    """What has become of scenes.

    Attributes:
        finished: How many are mapped.
        pixels: How many pixels with data their maps have.
        outside: Why those are left out of which nothing lies in the area that is to be mapped, by their paths.
        failures: Paths of the others, and why they could not be mapped.
    """

    finished: int = 0
    pixels: int = 0
    outside: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class SceneJob:
    """Scenes to be mapped by one process.

    Args:
        scenes: The request for each.
        gathering: Gathers what is said of them.

    Attributes:
        outcome: What has become of them so far.
    """

    def __init__(self, scenes: Sequence[PredictSegmentation], gathering: Gathering) -> None:
        self.outcome = Outcome()
        self._scenes = scenes
        self._gathering = gathering
        self._maps: list[SceneMap] = []  # those on their way

    def settle(self, request: PredictScenes, predictor: Predictor, size: int, report: Report) -> Predictor:
        """Return what runs fastest on windows of the first scene, if that can be read.

        Args:
            request: What is asked for.
            predictor: What answers so far.
            size: Side of the windows in pixels.
            report: Hears what was found out.

        Raises:
            Cancelled: The user has asked to stop.
        """
        first = self._scenes[0]
        try:
            with open_scene(first.input, first, predictor.cards, self._report_of(first)) as scene:
                coverage, regions = place_windows(scene, size, first)
                count = len(self._scenes) * sum(region.window_count for region in regions)
                sample = partial(sample_windows, scene, coverage, regions, SAMPLE_WINDOWS, report)
                return settle(predictor, request, sample, count, report)
        except Cancelled:
            raise
        except FAULTS as error:  # it is told when the turn comes to that scene
            report.detail(f"No trial: {error}")
            return predictor

    def run(self, predictor: Predictor, size: int, report: Report) -> None:
        """Map all.

        Args:
            predictor: What answers.
            size: Side of the windows in pixels.
            report: Hears of progress.

        Raises:
            Cancelled: The user has asked to stop.
        """
        try:
            pump(self._items(predictor, size), predictor, report, self._discard)
        finally:
            self._count_ended()

    def _items(self, predictor: Predictor, size: int) -> Iterator[Item]:
        """Yield what passes the network, scene after scene; in the reading thread."""
        count = len(self._scenes)
        for number, request in enumerate(self._scenes):
            self._count_ended()
            one = SceneMap(request, predictor, size, self._report_of(request))
            self._maps.append(one)
            yield from one.items(number / count, (number + 1) / count)

    def _discard(self) -> None:
        """Remove what is unfinished; in the writing thread, while the other may still come to further scenes."""
        with ExitStack() as stack:
            for one in tuple(self._maps):
                stack.callback(one.discard)

    def _count_ended(self) -> None:
        """Forget scenes that have ended, so that memory does not grow with their number."""
        for one in [one for one in self._maps if one.has_ended]:
            self._maps.remove(one)
            if one.is_outside:
                self.outcome.outside[one.request.input] = one.error
            elif one.error:
                self.outcome.failures[one.request.input] = one.error
                self._gathering.whole.note(f"{one.request.input} could not be mapped: {one.error}")
            else:
                self.outcome.finished += 1
                self.outcome.pixels += one.pixels

    def _report_of(self, request: PredictSegmentation) -> OneOfMany:
        words = [request.input, Path(request.input).name, Path(request.input).stem]
        return self._gathering.report_of(request.input, words, lambda *_: None)


class SceneCount(Part):
    """A report whose progress is told in scenes; of many not every one is named.

    Args:
        whole: The report of all scenes.
        start: Fraction of the whole at which the first begins.
        end: Fraction of the whole at which the last ends.
        count: How many they are.
    """

    def __init__(self, whole: Report, start: float, end: float, count: int) -> None:
        super().__init__(whole, start, end)
        self._count = count
        self._step = max(1, count // 100)

    def progress(self, fraction: float, text: str = "") -> None:
        """Pass the progress on, with the number of the scene that it has come to."""
        number = min(int(fraction * self._count), self._count - 1)
        super().progress(fraction, f"Scene {number - number % self._step + 1} of {self._count}")
