"""What comes out of the blending: strips of probabilities, and what may take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window


@dataclass(frozen=True)
class Strip:
    """Probabilities of some rows of a map.

    Attributes:
        window: Where they lie, in rows and columns of the map.
        probabilities: (K, H, W) float32; pixels that no window covered are 0. Whoever takes the strip may change them.
        valid: (H, W) True where the image has data, and is to be mapped.
    """

    window: Window
    probabilities: NDArray[np.float32]
    valid: NDArray[np.bool_]


class Sink(Protocol):
    """What takes the strips of a map; those of one region come from top to bottom."""

    def write(self, strip: Strip) -> None:
        """Take a strip."""
