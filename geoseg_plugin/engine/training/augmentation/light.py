"""Brightness, contrast and gamma of tiles, for all bands together and a little for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .variation import Variation

# How much a single band varies beside what all bands share: colour changes less than light does.
_BAND_SHARE = 0.5


def change_light(
    image: NDArray[np.float32], valid: NDArray[np.bool_], variation: Variation, rng: np.random.Generator
) -> None:
    """Change the light of an image in place; also pixels without data change, and mean nothing then.

    Args:
        image: (C, H, W) network input.
        valid: (H, W) pixels with data.
        variation: How much of it.
        rng: Where chance comes from; there are as many draws whatever the variation is.
    """
    together, each = rng.uniform(-1, 1, (3, 1)), rng.uniform(-1, 1, (3, len(image)))
    contrast, brightness, gamma = (together + _BAND_SHARE * each) / (1 + _BAND_SHARE)
    if variation.gamma:
        _bend(image, valid, (1 + variation.gamma) ** gamma)
    stretch, shift = variation.contrast * contrast, variation.brightness * brightness
    if variation.stds:
        shift *= variation.stds
    if variation.means:
        shift -= stretch * variation.means
    if variation.contrast:
        image *= (1 + stretch).astype(np.float32)[:, None, None]
    if shift.any():
        image += shift.astype(np.float32)[:, None, None]


def _bend(image: NDArray[np.float32], valid: NDArray[np.bool_], exponents: NDArray[np.float64]) -> None:
    """Raise each band, from 0 at its lowest to 1 at its highest valid pixel, to the power of its exponent."""
    if not valid.any():
        return
    whole = valid.all()
    for number, exponent in enumerate(exponents.astype(np.float32)):
        band = image[number]
        known = band if whole else band[valid]
        low, span = known.min(), np.ptp(known)
        if span > 0:
            band -= low
            band /= span
            band.clip(0, 1, out=band)
            np.power(band, exponent, out=band)
            band *= span
            band += low
