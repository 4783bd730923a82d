"""A part of a map that is ready to be written, and what may take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.events import Report


@dataclass(frozen=True)
class MapPart:
    """Some pixels of a map.

    Attributes:
        window: Where they lie, in rows and columns of the map.
        valid: (H, W) True where the map has data.
        indices: (H, W) index of the chosen class.
        confidence: (H, W) float32 probability of the chosen class.
        probabilities: (K, H, W) float32, NaN where the map has no data.
    """

    window: Window
    valid: NDArray[np.bool_]
    indices: NDArray[np.integer]
    confidence: NDArray[np.float32]
    probabilities: NDArray[np.float32]


class Result(Protocol):
    """A file of a map."""

    def write(self, part: MapPart) -> None:
        """Write a part, without changing it."""

    def finish(self, report: Report) -> None:
        """Finish what goes beyond single parts.

        Raises:
            Cancelled: The user has asked to stop.
        """

    def close(self) -> None:
        """Close the file, finished or not, and remove what was kept for it."""
