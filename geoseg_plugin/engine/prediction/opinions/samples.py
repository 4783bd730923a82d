"""A few windows from all over a scene, to try networks with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....contract.events import Report, stop_if_cancelled
from ..scenes.reading import WindowInput, WindowReader
from ..scenes.scene import Scene
from ..windows.covering import Cover, Coverage, Region, Section
from .predictor import Pixels

_PLACES_PER_SIDE = 5


def sample_windows(
    scene: Scene, coverage: Coverage, regions: Sequence[Region], most: int, report: Report
) -> list[Pixels]:
    """Return up to so many windows with data, the same ones every time.

    Args:
        scene: Not to be read elsewhere meanwhile.
        coverage: How windows cover it.
        regions: What is to be mapped of it; all have the same rows.
        most: How many windows to return, unless fewer are found.
        report: Asked whether to stop, before each place: reading from a server takes its time.

    Raises:
        InputError: The file is damaged.
        Cancelled: The user has asked to stop.
    """
    rows = _spread(regions[0].rows.windows)
    cols = _spread(sorted({col for region in regions for col in region.cols.windows}))
    places = [(row, col) for row in rows for col in cols]
    found: list[Pixels] = []
    for number in np.random.default_rng(0).permutation(len(places)):
        stop_if_cancelled(report)
        row, col = places[number]
        region = Region(_alone(coverage.rows, row), _alone(coverage.cols, col))
        for item in WindowReader(scene.source, scene.channels, coverage, region):
            if isinstance(item, WindowInput):
                found.append(item.pixels)
        if len(found) == most:
            break
    return found


def _spread(windows: Sequence[int]) -> list[int]:
    numbers = np.linspace(0, len(windows) - 1, _PLACES_PER_SIDE).round().astype(int)
    return [windows[number] for number in sorted(set(numbers.tolist()))]


def _alone(cover: Cover, window: int) -> Section:
    first, stop = cover.inside(window)
    return Section(first, stop, range(window, window + 1), (first, stop))
