"""What becomes of a map: each strip is decided on, counted, and written to every file that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ....contract.classes import ClassTable
from ....contract.events import Part, Report
from ..decisions.decision import Decision
from ..windows.strips import Strip
from .class_map import ClassMap
from .map_part import MapPart, Result
from .tally import Tally


class Results(Protocol):
    """What takes the strips of a map, and makes files of them."""

    @property
    def tally(self) -> Tally:
        """Figures over all that was written."""

    @property
    def finishing_share(self) -> float:
        """About which share of the whole work is left when all strips are written, 0 to 1."""

    def write(self, strip: Strip) -> None:
        """Take a strip, and change its probabilities.

        Raises:
            ModelError: The network's answers are not numbers.
        """

    def finish(self, report: Report) -> None:
        """Finish what goes beyond single strips, and say how the map is made up.

        Raises:
            OutputError: A file cannot be written.
            Cancelled: The user has asked to stop.
        """


class DirectResults:
    """Open files for a map whose strips are final as they come.

    Args:
        classes: The classes in the order of the network's channels.
        decision: What gives pixels their class.
        class_map: The class raster.
        others: The other files. Those that want whole rows get them as far as strips have them.
        finishing_share: See `Results`.
        hides: Whether files take probabilities, which then must be NaN without data.
    """

    def __init__(
        self, classes: ClassTable, decision: Decision, class_map: ClassMap, others: Sequence[Result],
        *, finishing_share: float, hides: bool,
    ) -> None:  # fmt: skip
        self.tally = Tally(classes)
        self.finishing_share = finishing_share
        self.decision = decision
        self._classes = classes
        self._class_map = class_map
        self._files = (*others, class_map)
        self._hides = hides

    def write(self, strip: Strip) -> None:
        """Take a strip."""
        valid, probabilities = strip.valid, strip.probabilities
        indices, confidence = self.decision.choose(probabilities)
        self.tally.add(probabilities, indices, confidence, valid)
        if self._hides and not valid.all():
            probabilities[:, ~valid] = np.nan
        part = MapPart(strip.window, valid, indices, confidence, probabilities)
        for file in self._files:
            file.write(part)

    def finish(self, report: Report) -> None:
        """Finish all files: see `Results`."""
        thresholds = self.decision.thresholds
        self.tally.conclude(report, thresholds)
        if thresholds:
            self._class_map.note_thresholds(dict(zip(self._classes.names[1:], thresholds, strict=True)))
        count = len(self._files)
        for number, file in enumerate(self._files):
            file.finish(Part(report, number / count, (number + 1) / count))
