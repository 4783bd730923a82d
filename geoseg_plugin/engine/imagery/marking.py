"""Marking pixels without data in a raster that is written, and counting what can then be mistaken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...contract.events import Report


@dataclass
class Marker:
    """Makes pixels without data nodata or transparent.

    Attributes:
        nodata: The nodata value of the raster.
        alpha_band: The number of its alpha band.
        by_band: Whether its bands miss pixels each for itself, see `marks_single_bands`.
        is_new: Whether data may happen to have the nodata value.
        lost: How many pixels with data now count as missing, so far.
        found: How many pixels that miss data in some bands now count as data, so far.
    """

    nodata: float | None
    alpha_band: int | None
    by_band: bool
    is_new: bool
    lost: int = 0
    found: int = 0

    def mark(self, image: NDArray[Any], shown: NDArray[np.bool_] | None) -> None:
        """Mark pixels in place.

        Args:
            image: (C, H, W).
            shown: (C or 1, H, W) True where there are data; None where all are.
        """
        if shown is not None:
            if self.nodata is not None:
                np.copyto(image, image.dtype.type(self.nodata), where=~shown)
            if self.alpha_band is not None:
                image[self.alpha_band - 1, ~shown.any(axis=0)] = 0
        if self.is_new:
            self._count(image, np.ones((1, 1, 1), np.bool_) if shown is None else shown)

    def warn(self, report: Report) -> None:
        """Warn of what was counted."""
        if self.lost:
            where = "in some band, where they" if self.by_band else "in all bands and"
            report.warn(
                f"{self.lost} pixels with data have the value {self.nodata:g} {where} now count as pixels without "
                "data. Give a NODATA value that no pixel has."
            )
        if self.found:
            report.warn(
                f"{self.found} pixels lack data in some bands and get the value {self.nodata:g} there, which counts as "
                "data where other bands have some. Give a NODATA value that is not 0."
            )

    def _count(self, image: NDArray[Any], shown: NDArray[np.bool_]) -> None:
        bands = [band for band in range(len(image)) if band + 1 != self.alpha_band]
        alike = image[bands] == self.nodata
        known = shown[bands] if len(shown) > 1 else shown
        if self.by_band:
            self.lost += int(np.count_nonzero((alike & known).any(axis=0)))
            return
        missing, anywhere = alike.all(axis=0), known.any(axis=0)
        self.lost += int(np.count_nonzero(missing & anywhere))
        self.found += int(np.count_nonzero(~missing & anywhere & ~known.all(axis=0)))
