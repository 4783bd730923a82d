"""The summary of a dataset as JSON.

| key | content |
|---|---|
| dataset, geoseg, request | the folder, the version and the request that made the summary |
| of, tiles, skipped | over which tiles the statistics are taken, how many tiles there are, how many are to skip |
| pixels, pixels_with_data | of those tiles |
| bands | for each: name, min, max, mean, std (whole population), percentiles (by percent), histogram |
| histogram | first, last (ends of the bins, which are equal) and counts |
| classes | for each: value, name, pixels, share (0 to 1, of the pixels with a class) and tiles that hold it |
| splits, folds | by name or number: tiles, and pixels and share of each class by value; -1 is no fold |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ....contract.stages import to_json
from ....contract.stages.tile_statistics import TileStatistics
from ...moments import Moments
from ...run import version
from ..dataset import SPLITS, Dataset
from ..tile_table import TileTable
from .distribution import Distribution


def summarize(
    request: TileStatistics,
    *,
    dataset: Dataset,
    tiles: TileTable,
    chosen: NDArray[np.bool_],
    moments: Moments,
    spread: Distribution,
    percents: Sequence[float],
    folds: NDArray[np.int64] | None,
) -> dict[str, Any]:
    """Return the summary as plain values.

    Args:
        request: The request.
        dataset: The dataset.
        tiles: Its tiles (N).
        chosen: Over which of them the statistics are taken (N,).
        moments: Statistics of these.
        spread: Their percentiles and histograms.
        percents: Which percentiles these are.
        folds: The fold of every tile (N,), -1 for none; None where no folds were asked for.
    """
    whole = tiles.take(chosen)
    bands = [_describe_band(name, at, moments, spread, percents) for at, name in enumerate(dataset.bands)]
    summary = {
        "dataset": str(dataset.folder.absolute()), "geoseg": version(), "request": to_json(request), "of": request.of,
        "tiles": len(whole), "skipped": int(whole.to_skip.sum()), "pixels": int(whole.pixels.sum()),
        "pixels_with_data": int(whole.valid.sum()), "bands": bands,
        "classes": _describe_classes(whole, dataset.classes),
        "splits": {name: _describe_set(tiles.take(tiles.splits == name), dataset.classes) for name in SPLITS},
    }  # fmt: skip
    if folds is not None:
        numbers = [int(fold) for fold in np.unique(folds)]
        summary["folds"] = {
            str(fold): _describe_set(tiles.take(folds == fold), dataset.classes) for fold in numbers
        }  # fmt: skip
    return summary


def class_shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share (..., K) of each class among the pixels (..., K) that have one, 0 where none has."""
    return np.asarray(counts / np.maximum(1, counts.sum(axis=-1, keepdims=True)), dtype=np.float64)


def _describe_band(
    name: str, at: int, moments: Moments, spread: Distribution, percents: Sequence[float]
) -> dict[str, Any]:
    low, high = float(moments.minimum[at]), float(moments.maximum[at])
    return {
        "name": name, "min": low, "max": high, "mean": float(moments.mean[at]), "std": float(moments.std[at]),
        "percentiles": {
            f"{percent:g}": float(value) for percent, value in zip(percents, spread.percentiles[at], strict=True)
        },
        "histogram": {"first": low, "last": high, "counts": spread.histograms[at].tolist()},
    }  # fmt: skip


def _describe_classes(tiles: TileTable, classes: ClassTable) -> list[dict[str, Any]]:
    pixels, holding = tiles.counts.sum(axis=0), (tiles.counts > 0).sum(axis=0)
    shares = class_shares(pixels)
    return [
        {
            "value": one.value, "name": one.name, "pixels": int(pixels[at]), "share": float(shares[at]),
            "tiles": int(holding[at]),
        }
        for at, one in enumerate(classes)
    ]  # fmt: skip


def _describe_set(tiles: TileTable, classes: ClassTable) -> Mapping[str, Any]:
    pixels = tiles.counts.sum(axis=0)
    shares = class_shares(pixels)
    return {
        "tiles": len(tiles),
        "classes": {
            str(value): {"pixels": int(pixels[at]), "share": float(shares[at])}
            for at, value in enumerate(classes.values)
        },
    }
