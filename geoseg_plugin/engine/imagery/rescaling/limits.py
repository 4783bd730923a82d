"""The limits of a scale: which values of an image become its ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.bands import ALL_BANDS, FIXED_RANGE, OTHER_IMAGE, PERCENTILES, RescaleImage
from ...moments import Moments
from ...raster import band_names, blocks, image_bands, open_raster, read_known, read_window
from ..writing import block_shape, common_dtype
from .percentiles import find_percentiles, passes_for

LOW_TAG, HIGH_TAG = "GEOSEG_LOW", "GEOSEG_HIGH"


class Limits(NamedTuple):
    """The values of a band that become the lower and the upper end of the scale."""

    low: float
    high: float


class Pixels(NamedTuple):
    """Pixels of a window.

    Attributes:
        whole: All bands (C, H, W).
        image: The bands of `image_bands`, which are all but alpha.
        known: Where these are known, of the same shape: see `read_known`.
    """

    whole: NDArray[Any]
    image: NDArray[Any]
    known: NDArray[np.bool_]


def read_pixels(source: DatasetReader, window: Window) -> Pixels:
    """Read a window with alpha and all.

    Raises:
        InputError: The file is damaged there.
    """
    whole = read_window(source, window)
    bands = image_bands(source)
    image = whole if len(bands) == source.count else whole[[band - 1 for band in bands]]
    return Pixels(whole, image, np.broadcast_to(read_known(source, window, image, bands), image.shape))


def pixel_bytes(source: DatasetReader) -> int:
    """Return the bytes of a pixel over all bands, as it is read."""
    return int(source.count * np.dtype(common_dtype(source.dtypes)).itemsize)


def count_passes(request: RescaleImage, source: DatasetReader) -> int:
    """Return how often the image must be read to find its limits."""
    if request.method in (FIXED_RANGE, OTHER_IMAGE):
        return 0
    return passes_for(common_dtype(source.dtypes)) if request.method == PERCENTILES else 1


def find_limits(request: RescaleImage, source: DatasetReader, report: Report) -> tuple[Limits, ...]:
    """Return the limits of every band but alpha.

    Only known values count: see `read_known`. They are raw values: a scale or offset that the raster states for its
    bands is not applied.

    Args:
        request: Says which limits are wanted.
        source: The open image.
        report: Hears of the progress.

    Raises:
        InputError: A band has no pixels with data, the file is damaged, or LIKE states no limits for these bands.
    """
    names = band_names(source, image_bands(source))
    if request.method == FIXED_RANGE:
        return (Limits(request.low, request.high),) * len(names)
    if request.like:
        return _read_limits(request.like, names, source)
    together = request.scope == ALL_BANDS
    groups = 1 if together else len(names)
    read = _Values(source, together, count_passes(request, source), report)
    if request.method == PERCENTILES:
        percents = (request.low_percent, request.high_percent)
        found = find_percentiles(read, common_dtype(source.dtypes), groups, percents)
    else:
        found = _find_sigmas(read, groups, request.sigma)
    empty = [name for name, (low, _) in zip(names, found, strict=False) if np.isnan(low)]
    if empty:
        where = "" if len(empty) == groups else f" in the band '{empty[0]}'"
        raise InputError(
            f"{source.name} has no pixels with data{where}, so that no limits can be found.",
            "Choose an image with data, or give a fixed range.",
        )
    limits = tuple(Limits(float(low), float(high)) for low, high in found)
    return limits * len(names) if together else limits


def describe_limits(limits: tuple[Limits, ...], names: tuple[str, ...]) -> str:
    """Return limits in words: "red: 12 to 240; green: 10 to 200"."""
    if len(limits) > 1 and len(set(limits)) == 1:
        names, limits = ("all bands",), limits[:1]
    return "; ".join(f"{name}: {low:.7g} to {high:.7g}" for name, (low, high) in zip(names, limits, strict=True))


def _read_limits(path: str, names: tuple[str, ...], source: DatasetReader) -> tuple[Limits, ...]:
    """Return the limits by which another image was rescaled, band by band in order."""
    with open_raster(path) as other:
        bands = image_bands(other)
        stated = [(other.tags(band).get(LOW_TAG), other.tags(band).get(HIGH_TAG)) for band in bands]
        others = band_names(other, bands)
    try:
        limits = tuple(Limits(float(low or ""), float(high or "")) for low, high in stated)
    except ValueError as error:
        raise InputError(
            f"{path} does not state the limits by which it was rescaled (tags {LOW_TAG} and {HIGH_TAG}).",
            "Choose an image made by 'Rescale image'.",
        ) from error
    if others != names:
        raise InputError(
            f"{path} has limits for the bands {', '.join(others)}, but {source.name} has {', '.join(names)}.",
            "Choose an image with the same bands in the same order.",
        )
    return limits


@dataclass
class _Values:
    """Reads all known values of an image, each time anew: (number of the group, values (N,))."""

    source: DatasetReader
    together: bool
    passes: int
    report: Report
    _passed: int = 0

    def __call__(self) -> Iterator[tuple[int, NDArray[Any]]]:
        height, width = self.source.height, self.source.width
        done = 0
        for window in blocks(height, width, *block_shape(width, pixel_bytes(self.source))):
            stop_if_cancelled(self.report)
            _, image, known = read_pixels(self.source, window)
            for number, (band, there) in enumerate(zip(image, known, strict=True)):
                stop_if_cancelled(self.report)
                yield 0 if self.together else number, band[there]
            done += window.width * window.height
            self.report.progress((self._passed + done / (height * width)) / self.passes, "Finding limits")
        self._passed += 1


def _find_sigmas(
    read: Callable[[], Iterable[tuple[int, NDArray[Any]]]], groups: int, sigma: float
) -> NDArray[np.float64]:
    """Return (groups, 2): the mean minus and plus so many standard deviations; NaN for groups without values."""
    parts: list[list[Moments]] = [[] for _ in range(groups)]
    for group, values in read():
        if values.size:
            parts[group].append(Moments.of(values[None, None], np.ones((1, values.size), np.bool_)))
    return np.array([_spread(Moments.join(of_group), sigma) if of_group else (np.nan, np.nan) for of_group in parts])


def _spread(moments: Moments, sigma: float) -> tuple[float, float]:
    """Return the limits around a mean; exactly the value of a constant band, whose mean may be rounded."""
    mean, reach = moments.mean.item(), sigma * moments.std.item()
    if moments.minimum == moments.maximum:
        return moments.minimum.item(), moments.minimum.item()
    return mean - reach, mean + reach
