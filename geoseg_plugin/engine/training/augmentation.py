"""How tiles are varied while training."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)

CONTRAST = 0.2
BRIGHTNESS = 0.2
# How much a single band varies beside what all bands share: colour changes less than light does.
BAND_SHARE = 0.5


def vary_light(image: NDArray[np.float32], valid: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Change brightness and contrast in place, for all bands together and a little for each.

    Args:
        image: (C, H, W) network input, in standard deviations; what is not valid stays 0.
        valid: (H, W) pixels with data.
        rng: Where chance comes from.
    """
    bands = image.shape[0]
    together, each = rng.uniform(-1, 1, (2, 1)), rng.uniform(-1, 1, (2, bands))
    share = (together + BAND_SHARE * each) / (1 + BAND_SHARE)
    contrast, brightness = (share * np.array([[CONTRAST], [BRIGHTNESS]])).astype(np.float32)
    image *= 1 + contrast[:, None, None]
    image += brightness[:, None, None]
    if not valid.all():
        image[:, ~valid] = 0.0


def draw_turn(rng: np.random.Generator) -> tuple[int, bool]:
    """Return one of the eight ways to lay a square: quarter turns (0 to 3), and whether it is mirrored."""
    return int(rng.integers(4)), bool(rng.integers(2))


def turn(pixels: NDArray[Value], quarters: int, mirrored: bool) -> NDArray[Value]:
    """Return a view of (..., H, W) pixels that is turned and then mirrored left to right."""
    turned: NDArray[Value] = np.rot90(pixels, quarters, axes=(-2, -1))
    return turned[..., ::-1] if mirrored else turned
