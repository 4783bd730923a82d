"""Reading a tile, once, for what is to be known of it: its files, or its pixels where it has none."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.errors import InputError
from ...grid import Grid
from ...moments import Moments
from ...raster import blocks, image_bands, open_raster, read_known, read_window
from ..tile_source import TilePixels
from ..tiling.tile_files import shown_by
from ..tiling.truth import read_label
from .facts import MOST_VALUES, ImageFacts, LabelFacts, TileFacts
from .pairs import Pair

_BLOCK = 2048
_SAMPLED_PIXELS = 4096
_PERCENTS = (2, 50, 98)


def look_at(pair: Pair, ignore_value: int | None) -> TileFacts:
    """Read the files of a tile once, in parts where they are large, and return what they are like."""
    try:
        with open_raster(str(pair.image)) as image:
            look = _FileLook(image)
            if pair.label is None:
                for window in look.windows:
                    look.read(window)
                return TileFacts(pair, look.facts())
            with open_raster(str(pair.label)) as label:
                return TileFacts(pair, *_look_at_both(look, label, ignore_value))
    except InputError as error:
        return TileFacts(pair, problem=error.message)


def look_at_pixels(
    pair: Pair, pixels: TilePixels, grid: Grid, *, names: tuple[str, ...], nodata: float | None, ignore_value: int
) -> TileFacts:
    """Return what the files of a tile would be like if it was written.

    Args:
        pair: The tile.
        pixels: Its pixels.
        grid: Its grid.
        names: Names of its bands.
        nodata: The nodata value of its image, None without.
        ignore_value: The label of pixels to be ignored.
    """
    look = _Look(_same_crs(grid), names, pixels.image.dtype.name)
    counts: Counter[float] = Counter()
    ignored = 0
    for window in look.windows:
        rows, cols = window.toslices()
        image, valid = pixels.image[:, rows, cols], pixels.valid[rows, cols]
        look.add(image, valid, _count_unmarked(image, valid, nodata))
        if pixels.label is not None:
            label = pixels.label[rows, cols]
            ignored += _count(label, label == ignore_value, valid, counts)
    if pixels.label is None:
        return TileFacts(pair, look.facts())
    return TileFacts(pair, look.facts(), LabelFacts(look.grid, ignore_value, _most(counts), ignored))


def label_values(pair: Pair, ignore_value: int | None) -> set[float]:
    """Return the values in the label of a tile that are not to be ignored, whatever its image is like.

    Raises:
        InputError: The file cannot be read.
    """
    found: Counter[float] = Counter()
    with open_raster(str(pair.label)) as label:
        _count_all(label, ignore_value, found)
    return set(found)


def _look_at_both(look: _FileLook, label: DatasetReader, ignore_value: int | None) -> tuple[ImageFacts, LabelFacts]:
    grid = _grid(label)
    grid = look.grid if grid == look.grid else grid
    counts: Counter[float] = Counter()
    ignored = 0
    is_same_size = (grid.height, grid.width) == (look.grid.height, look.grid.width)
    for window in look.windows:
        valid = look.read(window)
        if is_same_size:
            ignored += _count_file(label, window, valid, ignore_value, counts)
    if not is_same_size:
        ignored = _count_all(label, ignore_value, counts)
    return look.facts(), LabelFacts(grid, label.nodata, _most(counts), ignored)


def _count_all(dataset: DatasetReader, ignore_value: int | None, counts: Counter[float]) -> int:
    """Add all values of a label to `counts` and return how many pixels are to be ignored."""
    ignored = 0
    for window in blocks(dataset.height, dataset.width, _BLOCK, _BLOCK):
        everywhere = np.ones((int(window.height), int(window.width)), dtype=np.bool_)
        ignored += _count_file(dataset, window, everywhere, ignore_value, counts)
    return ignored


def _count_file(
    dataset: DatasetReader, window: Window, valid: NDArray[np.bool_], ignore_value: int | None, counts: Counter[float]
) -> int:
    """Add the values of a label to `counts` and return how many pixels are to be ignored."""
    label, known = read_label(dataset, window)
    # A dataset says itself what is to be ignored, and training heeds nothing else but that.
    ignored = ~known if ignore_value is None else (label == ignore_value) | np.isnan(label)
    return _count(label, ignored, valid, counts)


def _count(
    label: NDArray[Any], ignored: NDArray[np.bool_], valid: NDArray[np.bool_], counts: Counter[float]
) -> int:  # fmt: skip
    for value, count in zip(*_tally(label[valid & ~ignored]), strict=True):
        counts[float(value)] += int(count)
    return int(np.count_nonzero(valid & ignored))


def _most(counts: Counter[float]) -> dict[float, int]:
    return dict(counts.most_common(MOST_VALUES))


def _grid(dataset: DatasetReader) -> Grid:
    """Return the grid of a raster, with the same CRS object for all, which takes more room than all else."""
    return _same_crs(Grid.of(dataset))


def _same_crs(grid: Grid) -> Grid:
    return replace(grid, crs=_first_equal(grid.crs))


@lru_cache(maxsize=1024)
def _first_equal(value: Any) -> Any:
    """Return the first of equal values, so that many tiles keep but one."""
    return value


def _tally(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the different values and how often each occurs."""
    if values.dtype != np.uint8:
        found, times = np.unique(values, return_counts=True)
        return found, times
    counts = np.bincount(values)
    present = np.flatnonzero(counts)
    return present, counts[present]


def _count_unmarked(image: NDArray[Any], valid: NDArray[np.bool_], nodata: float | None) -> int:
    """Return how many pixels a file of this image would not mark as without data though a band is not finite."""
    if image.dtype.kind != "f" or not np.array_equal(shown_by(image, nodata), valid):
        return 0  # in the second case a mask band marks them all
    odd = np.isinf(image) if nodata is not None and np.isnan(nodata) else ~np.isfinite(image)
    return int(np.count_nonzero(odd.any(axis=0)))


class _Look:
    """Gathers what an image is like, part by part."""

    def __init__(self, grid: Grid, names: tuple[str, ...], dtype: str) -> None:
        self.grid = grid
        self.windows = tuple(blocks(grid.height, grid.width, _BLOCK, _BLOCK))
        self._names = names
        self._dtype = dtype
        self._step = max(1, round((grid.height * grid.width / _SAMPLED_PIXELS) ** 0.5))
        self._hash = hashlib.blake2b(digest_size=16)
        self._hash.update(repr((len(names), grid.height, grid.width, dtype)).encode())
        self._moments: list[Moments] = []
        self._samples: list[NDArray[np.float64]] = []
        self._not_finite = 0

    def add(self, image: NDArray[Any], valid: NDArray[np.bool_], not_finite: int) -> None:
        """Add a part: its pixels (C, H, W), where it has data (H, W), and how many others nothing marks as such."""
        self._hash.update(np.ascontiguousarray(image).data)
        self._not_finite += not_finite
        if valid.any():
            with np.errstate(over="ignore", invalid="ignore"):
                self._moments.append(Moments.of(image, valid))
            shown = valid[:: self._step, :: self._step]
            self._samples.append(image[:, :: self._step, :: self._step][:, shown].astype(np.float64))

    def facts(self) -> ImageFacts:
        """Return what the parts added are like together."""
        count = len(self._names)
        nothing = np.full(count, np.nan)
        whole = Moments.join(self._moments) if self._moments else Moments(0, nothing, nothing, nothing, nothing)
        sample = np.concatenate(self._samples, axis=1) if self._samples else np.zeros((count, 0))
        percentiles = np.percentile(sample, _PERCENTS, axis=1) if sample.shape[1] else (nothing,) * 3
        std = whole.std if whole.count else nothing
        figures = np.stack([whole.minimum, whole.maximum, whole.mean, std, *percentiles])
        return ImageFacts(
            self.grid, _first_equal(self._dtype), _first_equal(self._names), whole.count, self._not_finite, figures,
            self._hash.digest(),
        )  # fmt: skip


class _FileLook(_Look):
    """Reads an image part by part and gathers what it is like."""

    def __init__(self, dataset: DatasetReader) -> None:
        bands = image_bands(dataset)
        names = tuple(dataset.descriptions[band - 1] or "" for band in bands)
        super().__init__(_grid(dataset), names, np.result_type(*(dataset.dtypes[band - 1] for band in bands)).name)
        self._dataset = dataset
        self._bands = bands

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Read a part and return where it has data (H, W)."""
        image = read_window(self._dataset, window, self._bands)
        valid = np.asarray(read_known(self._dataset, window, image, self._bands).all(axis=0))
        self.add(image, valid, self._count_not_finite(image, window) if image.dtype.kind == "f" else 0)
        return valid

    def _count_not_finite(self, image: NDArray[Any], window: Window) -> int:
        odd = ~np.isfinite(image)
        if not odd.any():
            return 0
        # As whole numbers all are finite, so that only what the file itself marks is missing.
        marked = read_known(self._dataset, window, np.zeros_like(image, dtype=np.uint8), self._bands)
        return int(np.count_nonzero((odd & marked).any(axis=0)))
