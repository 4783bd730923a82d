"""What the pixels of a window become: class values, numbers of features, and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...contract.events import Report
from ..grid import Grid
from ..imagery.gaps import read_shown
from .boundaries import find_rims
from .burner import Burner
from .weights import weigh_borders, weight_reach


class Painted(NamedTuple):
    """Pixels (H, W) of a window: class values, and where they were asked for, numbers of features and weights."""

    label: NDArray[Any]
    numbers: NDArray[np.int32] | None = None
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Rims:
    """The rims of features: their width in pixels, and the class value that they get."""

    width: int
    value: int


@dataclass(frozen=True)
class Weighting:
    """The w and s of the formula of WEIGHTS."""

    weight: float
    sigma: float


@dataclass(frozen=True)
class Canvas:
    """Paints labels window by window; the windows together are what the whole would be.

    Attributes:
        burner: The features.
        grid: The grid of the image.
        ignore: The value of pixels to be ignored.
        areas: Within whose class 1 labels are complete, None for everywhere.
        image: The image, None where it has data everywhere.
        zero_nodata: Whether pixels that are 0 in all its bands have no data.
        rims: What rims of features become, None for nothing.
        numbered: Whether the numbers of features are wanted.
        weighting: How pixels between features are weighted, None where weights are not wanted.
        report: Asked whether to stop.
    """

    burner: Burner
    grid: Grid
    ignore: int
    areas: Burner | None
    image: DatasetReader | None
    zero_nodata: bool
    rims: Rims | None
    numbered: bool
    weighting: Weighting | None
    report: Report

    @property
    def needs_numbers(self) -> bool:
        """Whether pixels must know which feature they show, which costs memory and time."""
        return self.numbered or self.rims is not None or self.weighting is not None

    def paint(self, window: Window) -> Painted:
        """Return what the pixels of a window inside the grid become.

        Raises:
            InputError: The image is damaged there.
            Cancelled: The user has asked to stop.
        """
        if not self.needs_numbers:
            return Painted(self._hide(self.burner.burn(window), window))
        outer = self._grow(window)
        rows = slice(int(window.row_off - outer.row_off), int(window.row_off - outer.row_off + window.height))
        cols = slice(int(window.col_off - outer.col_off), int(window.col_off - outer.col_off + window.width))
        numbers = self.burner.number(outer)
        label = self.burner.label_numbers(numbers[rows, cols])
        numbers = self.burner.keep_objects(numbers)
        if self.rims is not None:
            rims = find_rims(numbers, self.rims.width)[rows, cols]
            label[rims & (label != self.ignore)] = self.rims.value
        weights = None
        if self.weighting is not None:
            weights = weigh_borders(numbers, self.weighting.weight, self.weighting.sigma, self.report)[rows, cols]
        return Painted(self._hide(label, window), numbers[rows, cols], weights)

    def _grow(self, window: Window) -> Window:
        """Return a window with all around it that can have a say in it."""
        reach = 0 if self.rims is None else self.rims.width
        if self.weighting is not None:
            reach = max(reach, weight_reach(self.weighting.weight, self.weighting.sigma))
        left, top = max(0, int(window.col_off) - reach), max(0, int(window.row_off) - reach)
        right = min(self.grid.width, int(window.col_off + window.width) + reach)
        bottom = min(self.grid.height, int(window.row_off + window.height) + reach)
        return Window(left, top, right - left, bottom - top)

    def _hide(self, label: NDArray[Any], window: Window) -> NDArray[Any]:
        """Ignore what lies outside the areas, and what the image does not show."""
        if self.areas is not None:
            label[self.areas.burn(window) != 1] = self.ignore
        if self.image is not None:
            label[~read_shown(self.image, window, zero_nodata=self.zero_nodata)] = self.ignore
        return label
