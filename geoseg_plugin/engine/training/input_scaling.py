"""How pixels become network input, from what was asked and what the training tiles are like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....models.card import Band
from ...contract.events import Report
from ...contract.quoting import quote_names
from ...contract.stages.training_parts.scaling import STRETCH, ScalesPixels
from ..datasets.dataset import BandStatistics

_SMALLEST_INPUT, _LARGEST_INPUT = 0.05, 8.0


def input_bands(statistics: Sequence[BandStatistics], request: ScalesPixels, report: Report) -> tuple[Band, ...]:
    """Return the bands of the card, whose mean and standard deviation turn pixels into network input.

    A band that never changes keeps its unit, with a warning: nothing is divided by 0.

    Args:
        statistics: Of the training tiles, by band.
        request: Its SCALING and DIVISOR.
        report: Where the warning goes.
    """
    constant = [one.name for one in statistics if not one.std > 0]
    if constant:
        report.warn(
            f"Every training pixel has the same value in {quote_names(constant)}: the network learns nothing there."
        )
    if request.divisor is not None:  # as with SCALING divide alone
        largest = max(abs(value) for one in statistics for value in (one.minimum, one.maximum)) / request.divisor
        if not _SMALLEST_INPUT <= largest <= _LARGEST_INPUT:
            report.warn(
                f"Divided by DIVISOR {request.divisor:g}, pixels are up to {largest:.3g} large; networks learn well "
                "from about 1. Set DIVISOR to about the largest value that pixels can have."
            )
        return tuple(Band(one.name, 0.0, request.divisor) for one in statistics)
    if request.scaling == STRETCH:
        return tuple(Band(one.name, one.minimum, (one.maximum - one.minimum) or 1.0) for one in statistics)
    return tuple(Band(one.name, one.mean, one.std if one.std > 0 else 1.0) for one in statistics)


def input_means(bands: Sequence[Band], statistics: Sequence[BandStatistics]) -> NDArray[np.float32]:
    """Return the mean of the network input (C,) over the training tiles: 0 where it is standardized."""
    each = zip(bands, statistics, strict=True)
    return np.array([(one.mean - band.mean) / band.std for band, one in each], dtype=np.float32)


def input_stds(bands: Sequence[Band], statistics: Sequence[BandStatistics]) -> NDArray[np.float32]:
    """Return the standard deviation of the network input (C,): 1 where it is standardized, 0 of what never changes."""
    return np.array([one.std / band.std for band, one in zip(bands, statistics, strict=True)], dtype=np.float32)
