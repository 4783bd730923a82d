"""How pixel values become network input, the same in training and in prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.card import Band


class Scaling:
    """Turns pixels into network input as the bands of a card say: (pixel - mean) / std.

    Args:
        bands: The card's bands, in the order of the image's.
    """

    def __init__(self, bands: Sequence[Band]) -> None:
        def column(values: Sequence[float]) -> NDArray[np.float32]:
            return np.array(values, dtype=np.float32)[:, None, None]

        self._mean = column([band.mean for band in bands])
        self._factor = column([1 / band.std for band in bands])

    def apply(self, image: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return network input (C, H, W) for an image (C, H, W); pixels that are not `valid` (H, W) become 0."""
        with np.errstate(over="ignore"):  # the nodata of floats may be the least number there is
            scaled: NDArray[np.float32] = image.astype(np.float32)
            scaled -= self._mean
            scaled *= self._factor
        if not valid.all():
            scaled[:, ~valid] = 0.0
        return scaled
