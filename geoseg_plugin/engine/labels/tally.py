"""How many pixels each class has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...contract.classes import ClassTable
from ...contract.events import Report
from ..class_raster import class_dtype
from ..imagery.paths import name_some

_SHOWN = 10
_FEW = 24  # up to so many classes, counting one after the other is the quicker way


class Tally:
    """Counts the pixels of classes as they are painted.

    Args:
        table: The classes.
        background: Class value of pixels without a label, None where they are ignored.
    """

    def __init__(self, table: ClassTable, background: int | None) -> None:
        self._table = table
        self._background = background
        self._ignore = class_dtype(table)[1]
        self._pixels = 0
        self.by_value = dict.fromkeys(table.values, 0)

    def add(self, label: NDArray[Any]) -> None:
        """Count the class values (H, W) of a window."""
        self._pixels += label.size
        if len(self.by_value) <= _FEW:
            for value in self.by_value:
                self.by_value[value] += int(np.count_nonzero(label == value))
            return
        counts = np.bincount(label.ravel(), minlength=self._ignore + 1)
        for value in self.by_value:
            self.by_value[value] += int(counts[value])

    @property
    def class_count(self) -> int:
        """How many classes occur."""
        return sum(count > 0 for count in self.by_value.values())

    @property
    def labelled_share(self) -> float:
        """Share of pixels that are neither background nor ignored, in percent."""
        return self._percent(self._labelled)

    @property
    def ignored_share(self) -> float:
        """Share of pixels to be ignored, in percent."""
        return self._percent(self._ignored)

    def tell(self, report: Report) -> None:
        """Tell the counts, and warn of classes without a pixel."""
        counts = [f"{one.name} {self.by_value[one.value]}" for one in self._table if self.by_value[one.value]]
        ignored = f", ignored {self._ignored}" if self._ignored else ""
        report.note(f"Pixels: {name_some(counts, _SHOWN) or 'of no class'}{ignored}")
        if self._ignored == self._pixels:
            report.warn(
                "All pixels are ignored: look at AREAS, at where the image has data, and at the features' classes."
            )
        elif not self._labelled:
            report.warn("No pixel was labelled: the features are smaller than pixels, or hidden. Try ALL_TOUCHED.")
        elif self.class_count == 1:
            (name,) = (one.name for one in self._table if self.by_value[one.value])
            report.warn(
                f"All pixels that are not ignored show {name}, so that nothing can be learnt from them: look at "
                "BUFFER, BACKGROUND and AREAS."
            )
        else:
            absent = [one.name for one in self._table if not self.by_value[one.value] and one.value != self._background]
            if absent:
                report.warn(f"No pixel shows {name_some(absent, _SHOWN)}.")

    @property
    def _ignored(self) -> int:
        return self._pixels - sum(self.by_value.values())

    @property
    def _labelled(self) -> int:
        return sum(count for value, count in self.by_value.items() if value != self._background)

    def _percent(self, count: int) -> float:
        return round(100 * count / self._pixels, 3)
