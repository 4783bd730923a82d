"""What makes an image worse: blur, noise, and squares that hide it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .variation import Variation

Image = NDArray[np.float32]


def blur(image: Image, valid: NDArray[np.bool_], variation: Variation, rng: np.random.Generator) -> Image:
    """Return an image (C, H, W) blurred by a Gaussian of a width by chance, with one draw in any case.

    Pixels that are not valid (H, W) have no say in others; what they become themselves means nothing.
    """
    width = variation.blur * rng.random()
    if not width:
        return image
    from scipy.ndimage import gaussian_filter

    whole = valid.all()
    blurred: Image = gaussian_filter(image if whole else image * valid, width, axes=(1, 2), mode="nearest")
    if not whole:
        weight = gaussian_filter(valid.astype(np.float32), width, mode="nearest")
        np.divide(blurred, weight, out=blurred, where=valid)
    return blurred


def add_noise(image: Image, variation: Variation, rng: np.random.Generator) -> None:
    """Add normal noise of a strength by chance to an image (C, H, W) in place, with two draws in any case."""
    strength, seed = variation.noise * rng.random(), int(rng.integers(2**63))
    if strength:
        noise = np.random.default_rng(seed).standard_normal(image.shape, dtype=np.float32)
        noise *= np.float32(strength) * np.array(variation.stds or (1.0,), dtype=np.float32)[:, None, None]
        image += noise


def hide_squares(image: Image, variation: Variation, rng: np.random.Generator) -> None:
    """Set squares of an image (C, S, S) to 0 in place; they lie anywhere inside it, and may lie over each other.

    Source: DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552 (there squares may reach beyond the edge).
    """
    if not variation.cutout:
        return
    side = image.shape[-1]
    size = max(1, round(variation.cutout_size * side))
    for row, col in rng.integers(0, side - size + 1, (variation.cutout, 2)).tolist():
        image[:, row : row + size, col : col + size] = 0.0
