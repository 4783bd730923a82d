"""Small pictures of images and labels for reports, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..contract.classes import ClassTable

Pixels = NDArray[np.uint8]

_STRETCH_PERCENT = 2, 98
_OVERLAY_SHARE = 0.5
NO_CLASS_COLOUR = "#ff00ff"
_NO_CLASS_RGB = 255, 0, 255


def draw_image(image: NDArray[np.generic], valid: NDArray[np.bool_], bands: Sequence[str]) -> bytes:
    """Draw an image (C, H, W) in colour where it has three bands or more (red, green and blue if so named), else grey.

    Each band is stretched between percentiles of its valid pixels; pixels without data are transparent.
    """
    return _png(_in_colour(image, valid, bands), valid)


def draw_classes(indices: NDArray[np.integer], classes: ClassTable, shown: NDArray[np.bool_]) -> bytes:
    """Draw class indices (H, W) in the colours of the classes; what is not `shown` is transparent.

    Indices below 0 stand for what is no class, and are drawn in NO_CLASS_COLOUR.
    """
    return _png(_in_class_colours(indices, classes, shown), shown)


def draw_overlay(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    bands: Sequence[str],
    *,
    indices: NDArray[np.integer],
    classes: ClassTable,
    shown: NDArray[np.bool_],
) -> bytes:
    """Draw an image, and over it half transparent the colours of its classes where they are `shown`."""
    ground = _in_colour(image, valid, bands)
    mixed = (1 - _OVERLAY_SHARE) * ground + _OVERLAY_SHARE * _in_class_colours(indices, classes, shown)
    return _png(np.where(shown[..., None], mixed, ground).astype(np.uint8), valid)


def _in_colour(image: NDArray[np.generic], valid: NDArray[np.bool_], bands: Sequence[str]) -> Pixels:
    lowered = [name.lower() for name in bands]
    named = [lowered.index(colour) for colour in ("red", "green", "blue") if colour in lowered]
    if len(named) < 3:
        named = [0, 1, 2] if len(image) >= 3 else [0, 0, 0]
    return np.stack([_stretch(image[band], valid) for band in named], axis=-1)


def _in_class_colours(indices: NDArray[np.integer], classes: ClassTable, shown: NDArray[np.bool_]) -> Pixels:
    colours = np.array([*(one.rgb for one in classes), _NO_CLASS_RGB], dtype=np.uint8)
    places = np.where(shown, indices, 0).astype(np.int64)
    return np.asarray(colours[np.where(places < 0, len(classes), places)])


def _stretch(band: NDArray[np.generic], valid: NDArray[np.bool_]) -> Pixels:
    values = band.astype(np.float64)
    if not valid.any():
        return np.zeros(band.shape, dtype=np.uint8)
    low, high = np.percentile(values[valid], _STRETCH_PERCENT)
    scaled = (np.where(valid, values, low) - low) / max(high - low, 1e-12)
    stretched: Pixels = (255 * scaled.clip(0, 1)).astype(np.uint8)
    return stretched


def _png(rgb: Pixels, shown: NDArray[np.bool_]) -> bytes:
    from matplotlib.image import imsave

    stream = io.BytesIO()
    alpha = np.where(shown, 255, 0).astype(np.uint8)
    imsave(stream, np.ascontiguousarray(np.dstack([rgb, alpha])), format="png")
    return stream.getvalue()
