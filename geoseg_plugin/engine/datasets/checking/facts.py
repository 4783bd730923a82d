"""What is known of one tile after its files were read once."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.errors import InputError
from ...grid import Grid
from ...moments import Moments
from ...raster import blocks, image_bands, open_raster, read_known, read_window
from ..tiling.truth import read_label
from .pairs import Pair

_BLOCK = 2048
_SAMPLED_PIXELS = 4096
_PERCENTS = (2, 50, 98)
MOST_VALUES = 100


@dataclass(frozen=True)
class ImageFacts:
    """What an image of C bands is like.

    Attributes:
        grid: Its grid.
        dtype: Data type of its pixels.
        names: What the file calls its bands; empty texts where it has no names.
        valid: Number of pixels with data.
        not_finite: Number of pixels that are NaN or infinite in a band and not marked as without data.
        minimum: Smallest value of the pixels with data (C,), NaN without any, like the following.
        maximum: Largest value (C,).
        mean: Mean (C,).
        std: Standard deviation of the whole population (C,).
        low: 2nd percentile of a sample of these pixels (C,).
        middle: Their median (C,).
        high: 98th percentile (C,).
        digest: A hash of the pixels; two images with the same one are the same.
    """

    grid: Grid
    dtype: str
    names: tuple[str, ...]
    valid: int
    not_finite: int
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    digest: bytes

    @property
    def is_constant(self) -> bool:
        """Whether there are no data, or one value only in every band."""
        return self.valid == 0 or bool((self.minimum == self.maximum).all())


@dataclass(frozen=True)
class LabelFacts:
    """What a label is like, over the pixels where the image has data.

    Attributes:
        grid: Its grid.
        nodata: Its nodata value, None without.
        values: How many pixels have each value; of more than MOST_VALUES different ones, the most frequent.
        ignored: How many are to be ignored.
    """

    grid: Grid
    nodata: float | None
    values: dict[float, int]
    ignored: int


@dataclass(frozen=True)
class TileFacts:
    """What is known of a tile.

    Attributes:
        pair: Its files.
        image: What its image is like; None where a file cannot be read.
        label: What its label is like; None without label, or where a file cannot be read.
        problem: Why a file cannot be read; empty where all can.
    """

    pair: Pair
    image: ImageFacts | None = None
    label: LabelFacts | None = None
    problem: str = ""


def look_at(pair: Pair, ignore_value: int | None) -> TileFacts:
    """Read the files of a tile once, in parts where they are large, and return what they are like."""
    try:
        with open_raster(str(pair.image)) as image:
            look = _Look(image)
            if pair.label is None:
                for window in look.windows:
                    look.read(window)
                return TileFacts(pair, look.facts())
            with open_raster(str(pair.label)) as label:
                return TileFacts(pair, *_look_at_both(look, label, ignore_value))
    except InputError as error:
        return TileFacts(pair, problem=error.message)


def label_values(path: Path, ignore_value: int | None) -> set[float]:
    """Return the values in a label that are not to be ignored, whatever its image is like.

    Raises:
        InputError: The file cannot be read.
    """
    found: Counter[float] = Counter()
    with open_raster(str(path)) as label:
        _count_all(label, ignore_value, found)
    return set(found)


def _look_at_both(look: _Look, label: DatasetReader, ignore_value: int | None) -> tuple[ImageFacts, LabelFacts]:
    grid = Grid.of(label)
    counts: Counter[float] = Counter()
    ignored = 0
    is_same_size = (grid.height, grid.width) == (look.grid.height, look.grid.width)
    for window in look.windows:
        valid = look.read(window)
        if is_same_size:
            ignored += _count(label, window, valid, ignore_value, counts)
    if not is_same_size:
        ignored = _count_all(label, ignore_value, counts)
    return look.facts(), LabelFacts(grid, label.nodata, dict(counts.most_common(MOST_VALUES)), ignored)


def _count_all(dataset: DatasetReader, ignore_value: int | None, counts: Counter[float]) -> int:
    """Add all values of a label to `counts` and return how many pixels are to be ignored."""
    ignored = 0
    for window in blocks(dataset.height, dataset.width, _BLOCK, _BLOCK):
        everywhere = np.ones((int(window.height), int(window.width)), dtype=np.bool_)
        ignored += _count(dataset, window, everywhere, ignore_value, counts)
    return ignored


def _count(
    dataset: DatasetReader, window: Window, valid: NDArray[np.bool_], ignore_value: int | None, counts: Counter[float]
) -> int:
    """Add the values of a label to `counts` and return how many pixels are to be ignored."""
    label, known = read_label(dataset, window)
    # A dataset says itself what is to be ignored, and training heeds nothing else but that.
    ignored = ~known if ignore_value is None else (label == ignore_value) | np.isnan(label)
    for value, count in zip(*_tally(label[valid & ~ignored]), strict=True):
        counts[float(value)] += int(count)
    return int(np.count_nonzero(valid & ignored))


def _tally(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the different values and how often each occurs."""
    if values.dtype != np.uint8:
        found, times = np.unique(values, return_counts=True)
        return found, times
    counts = np.bincount(values)
    present = np.flatnonzero(counts)
    return present, counts[present]


class _Look:
    """Reads an image part by part and gathers what it is like."""

    def __init__(self, dataset: DatasetReader) -> None:
        self.grid = Grid.of(dataset)
        self.windows = tuple(blocks(dataset.height, dataset.width, _BLOCK, _BLOCK))
        self._dataset = dataset
        self._bands = image_bands(dataset)
        self._dtype = np.result_type(*(dataset.dtypes[band - 1] for band in self._bands)).name
        self._step = max(1, round((dataset.height * dataset.width / _SAMPLED_PIXELS) ** 0.5))
        self._hash = hashlib.blake2b(digest_size=16)
        self._hash.update(repr((len(self._bands), dataset.height, dataset.width, self._dtype)).encode())
        self._moments: list[Moments] = []
        self._samples: list[NDArray[np.float64]] = []
        self._not_finite = 0

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Read a part and return where it has data (H, W)."""
        image = read_window(self._dataset, window, self._bands)
        self._hash.update(np.ascontiguousarray(image).data)
        valid = np.asarray(read_known(self._dataset, window, image, self._bands).all(axis=0))
        if image.dtype.kind == "f":
            self._not_finite += self._count_not_finite(image, window)
        if valid.any():
            with np.errstate(over="ignore", invalid="ignore"):
                self._moments.append(Moments.of(image, valid))
            shown = valid[:: self._step, :: self._step]
            self._samples.append(image[:, :: self._step, :: self._step][:, shown].astype(np.float64))
        return valid

    def facts(self) -> ImageFacts:
        """Return what the parts read are like together."""
        names = tuple(self._dataset.descriptions[band - 1] or "" for band in self._bands)
        nothing = np.full(len(self._bands), np.nan)
        whole = Moments.join(self._moments) if self._moments else Moments(0, nothing, nothing, nothing, nothing)
        sample = np.concatenate(self._samples, axis=1) if self._samples else np.zeros((len(self._bands), 0))
        low, middle, high = np.percentile(sample, _PERCENTS, axis=1) if sample.shape[1] else (nothing,) * 3
        std = whole.std if whole.count else nothing
        return ImageFacts(
            self.grid, self._dtype, names, whole.count, self._not_finite, whole.minimum, whole.maximum, whole.mean,
            std, low, middle, high, self._hash.digest(),
        )  # fmt: skip

    def _count_not_finite(self, image: NDArray[Any], window: Window) -> int:
        odd = ~np.isfinite(image)
        if not odd.any():
            return 0
        # As whole numbers all are finite, so that only what the file itself marks is missing.
        marked = read_known(self._dataset, window, np.zeros_like(image, dtype=np.uint8), self._bands)
        return int(np.count_nonzero((odd & marked).any(axis=0)))
