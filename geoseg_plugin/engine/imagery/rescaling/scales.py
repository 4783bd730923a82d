"""The new scales of an image: what is written for its pixels, and what the result says of its bands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.events import Report, stop_if_cancelled
from ...raster import alpha_bands, blocks, image_bands, read_window
from ..view import has_mask_band
from ..writing import Block, Plan, block_shape, common_dtype
from .limits import HIGH_TAG, LOW_TAG, Limits, pixel_bytes, read_pixels

_OPAQUE = 255


@dataclass(frozen=True)
class Scale(ABC):
    """A scale for an image.

    Attributes:
        source: The open image.
        limits: Limits of its bands but alpha.
        opaque: The alpha of its opaque pixels: see `find_opaque`.
    """

    source: DatasetReader
    limits: tuple[Limits, ...]
    opaque: int | None

    @abstractmethod
    def plan(self, plan: Plan) -> Plan:
        """Return what is written, where `plan` is that of the image as it is."""

    @abstractmethod
    def make_block(self, window: Window) -> Block:
        """Return the pixels of a window on this scale.

        Raises:
            InputError: The file is damaged there.
        """


class Bytes(Scale):
    """0 to 255. Pixels in which any band is not known are 0, and hidden."""

    def plan(self, plan: Plan) -> Plan:
        """Return what is written: in place of nodata a mask band, unless alpha or nothing needs to be hidden."""
        flags = [self.source.mask_flag_enums[band - 1] for band in image_bands(self.source)]
        complete = np.dtype(plan.dtype).kind != "f" and all(MaskFlags.all_valid in one for one in flags)
        masked = not complete and plan.alpha_band is None
        return replace(_rescaled(self, plan), dtype="uint8", nodata=None, masked=masked)

    def make_block(self, window: Window) -> Block:
        """Return (C, H, W) uint8 and what is shown."""
        whole, image, known = read_pixels(self.source, window)
        made = np.empty(whole.shape, np.uint8)
        shown = np.asarray(known.all(axis=0))
        for band, values, limits in zip(image_bands(self.source), image, self.limits, strict=True):
            scaled = _scale(values, limits)
            scaled *= 255
            scaled[~shown] = 0
            made[band - 1] = np.rint(scaled, out=scaled)
        for band in alpha_bands(self.source):
            alpha = _opacity(whole[band - 1], self.opaque)
            made[band - 1] = np.maximum(np.rint(alpha * 255), alpha > 0)  # hardly opaque is not transparent
        return Block(made, shown)


class Floats(Scale):
    """0 to 1. What is not known is NaN, in each band by itself."""

    def plan(self, plan: Plan) -> Plan:
        """Return what is written: NaN is nodata."""
        return replace(_rescaled(self, plan), dtype="float32", nodata=np.nan)

    def make_block(self, window: Window) -> Block:
        """Return (C, H, W) float32."""
        whole, image, known = read_pixels(self.source, window)
        made = np.empty(whole.shape, np.float32)
        for band, values, there, limits in zip(image_bands(self.source), image, known, self.limits, strict=True):
            scaled = _scale(values, limits)
            scaled[~there] = np.nan
            made[band - 1] = scaled
        for band in alpha_bands(self.source):
            made[band - 1] = _opacity(whole[band - 1], self.opaque)
        return Block(made)


class Clipped(Scale):
    """The values as they are, but none beyond the limits. What is not known stays so, by one nodata value."""

    def plan(self, plan: Plan) -> Plan:
        """Return what is written: the same but for the limits."""
        return replace(_with_limits(self, plan), masked=has_mask_band(self.source))

    def make_block(self, window: Window) -> Block:
        """Return (C, H, W) in the image's dtype."""
        whole, image, known = read_pixels(self.source, window)
        made = whole.copy()
        for band, values, there, (low, high) in zip(image_bands(self.source), image, known, self.limits, strict=True):
            np.clip(values, low, high, out=made[band - 1], where=there)
        if not has_mask_band(self.source) and len(set(map(str, self.source.nodatavals))) == 1:
            return Block(made)
        shown = np.broadcast_to(known.any(axis=0), whole.shape).copy()
        shown[[band - 1 for band in image_bands(self.source)]] = known
        return Block(made, shown)


def find_opaque(source: DatasetReader, report: Report) -> int | None:
    """Return the alpha that opaque pixels have: 255 unless larger ones are met, then the largest of the data type.

    Rasters of 16 bits may bear an alpha of 8 bits. None stands for floats, whose alpha has no known end.

    Args:
        source: The open image.
        report: Asked whether to stop.

    Raises:
        InputError: The file is damaged.
    """
    bands = alpha_bands(source)
    dtype = np.dtype(common_dtype([source.dtypes[band - 1] for band in bands] or ["uint8"]))
    if dtype.kind == "f" or np.iinfo(dtype).max <= _OPAQUE:
        return None if dtype.kind == "f" else _OPAQUE
    for window in blocks(source.height, source.width, *block_shape(source.width, pixel_bytes(source))):
        stop_if_cancelled(report)
        if read_window(source, window, bands).max() > _OPAQUE:
            return int(np.iinfo(dtype).max)
    return _OPAQUE


def _rescaled(scale: Scale, plan: Plan) -> Plan:
    """Return the plan for new values: units, scales and offsets are of the old ones."""
    plan = _with_limits(scale, plan)
    return replace(plan, bands=tuple(replace(band, unit=None, scale=1.0, offset=0.0) for band in plan.bands))


def _with_limits(scale: Scale, plan: Plan) -> Plan:
    """Return the plan with the limits in the tags of its bands; written so that reading them gives the same numbers."""
    bands = list(plan.bands)
    for band, (low, high) in zip(image_bands(scale.source), scale.limits, strict=True):
        tags = {**bands[band - 1].tags, LOW_TAG: repr(low), HIGH_TAG: repr(high)}
        bands[band - 1] = replace(bands[band - 1], tags=tags)
    return replace(plan, bands=tuple(bands))


def _scale(values: NDArray[Any], limits: Limits) -> NDArray[np.float64]:
    """Return 0 at the lower limit and below, 1 at the upper one and above; NaN stays. Equal limits make a step."""
    low, high = limits
    if low == high:
        return (values > low).astype(np.float64)
    scaled = values.astype(np.float64)
    scaled -= low
    scaled /= high - low
    return np.clip(scaled, 0, 1, out=scaled)


def _opacity(alpha: NDArray[Any], opaque: int | None) -> NDArray[np.float64]:
    """Return alpha as 0 to 1 of what is opaque; all or nothing where that is not known."""
    if opaque is None:
        return (alpha > 0).astype(np.float64)
    return np.clip(alpha.astype(np.float64) / opaque, 0, 1)
