"""Results that need the whole map first: to find thresholds, to smooth it, or to bring it to another grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ....contract.events import Part, Report, stop_if_cancelled
from ....contract.stages.prediction_parts.decision import DecidesOnClasses
from ...grid import Grid
from ...raster import blocks, read_window
from ..decisions.smoothing import reach_of, smooth
from ..decisions.spread import Spread
from ..decisions.thresholds import found_decision, needs_map
from ..windows.strips import Strip
from .direct import DirectResults
from .probability_raster import ProbabilityRaster
from .tally import Tally, answers_are_not_numbers

ReadShown = Callable[[Window], NDArray[np.bool_]]

_FINISHING_SHARE = 0.3
# Of what is to be finished: finding thresholds, and writing.
_FINDING_END = 0.3
_WRITING_END = 0.8


class DeferredResults:
    """Keeps the probabilities of a map, and makes the files of it when they are all there.

    Args:
        results: The files.
        kept: What keeps the probabilities.
        grid: The grid of the files.
        shape: Rows and columns of the blocks to go through it in.
        request: How classes are decided on.
        classes: The classes.
        read_shown: Returns (H, W) True where a window of the grid has data to be mapped; None where that is so where
            there are probabilities.
    """

    finishing_share = _FINISHING_SHARE

    def __init__(
        self, results: DirectResults, kept: ProbabilityRaster, *, grid: Grid, shape: tuple[int, int],
        request: DecidesOnClasses, classes: ClassTable, read_shown: ReadShown | None,
    ) -> None:  # fmt: skip
        self._results = results
        self._kept = kept
        self._grid = grid
        self._shape = shape
        self._request = request
        self._classes = classes
        self._read_shown = read_shown

    @property
    def tally(self) -> Tally:
        """Figures over all that was written."""
        return self._results.tally

    def write(self, strip: Strip) -> None:
        """Keep a strip.

        Raises:
            ModelError: The network's answers are not numbers.
        """
        if not np.isfinite(strip.probabilities.sum(axis=0)[strip.valid]).all():
            raise answers_are_not_numbers()
        self._kept.write(strip)

    def finish(self, report: Report) -> None:
        """Go through the map again, and finish all files: see `direct.Results`."""
        with self._kept.read_on(self._grid) as placed:
            if needs_map(self._request):
                self._find_thresholds(placed, Part(report, 0.0, _FINDING_END))
            part = Part(report, _FINDING_END, _WRITING_END)
            for strip in self._strips(placed, part, "Writing the map"):
                self._results.write(strip)
        self._kept.remove()
        self._results.finish(Part(report, _WRITING_END, 1.0))

    def _find_thresholds(self, placed: DatasetReader | WarpedVRT, report: Report) -> None:
        spread = Spread(len(self._classes))
        for strip in self._strips(placed, report, "Looking for thresholds"):
            spread.add(strip.probabilities, strip.valid)
        found = spread.find_thresholds(self._request.decision)
        if spread.pixels:
            self._results.decision = found_decision(found, self._classes, self._request.decision, report)

    def _strips(self, placed: DatasetReader | WarpedVRT, report: Report, text: str) -> Iterator[Strip]:
        height, width = self._grid.height, self._grid.width
        done = 0
        for window in blocks(height, width, *self._shape):
            stop_if_cancelled(report)
            yield self._read(placed, window, report)
            done += window.width * window.height
            report.progress(done / (height * width), text)

    def _read(self, placed: DatasetReader | WarpedVRT, window: Window, report: Report) -> Strip:
        """Return what the files are made of in a window."""
        deviation = self._request.smoothing
        if not deviation:
            return Strip(window, *self._look(placed, window))
        around, inside = _surround(window, reach_of(deviation), self._grid)
        probabilities, valid = self._look(placed, around)
        blurred = smooth(probabilities, valid, deviation, report)
        return Strip(window, blurred[:, *inside].copy(), valid[inside])

    def _look(self, placed: DatasetReader | WarpedVRT, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return probabilities (K, H, W) of a window, and (H, W) True where there are some to be shown."""
        probabilities: NDArray[np.float32] = read_window(placed, window)
        valid = ~np.isnan(probabilities[0])
        return probabilities, valid if self._read_shown is None else valid & self._read_shown(window)


def _surround(window: Window, reach: int, grid: Grid) -> tuple[Window, tuple[slice, slice]]:
    """Return a window that is larger on each side as far as the grid goes, and where in it the window lies."""
    top, left = max(0, window.row_off - reach), max(0, window.col_off - reach)
    bottom = min(grid.height, window.row_off + window.height + reach)
    right = min(grid.width, window.col_off + window.width + reach)
    rows = slice(window.row_off - top, window.row_off - top + window.height)
    cols = slice(window.col_off - left, window.col_off - left + window.width)
    return Window(left, top, right - left, bottom - top), (rows, cols)
