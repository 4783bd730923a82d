"""Statistics of tiles as the columns of a layer, and as a table with those of UNOSAT's tile_stats.csv.

Source: the columns of github.com/vfdev-5/UNOSAT_Challenge, in their order: index, img_min, img_max, img_mean, img_std
(one value per band in brackets), target_ratio (share of pixels of a class above 0), fold_index (-1 for none), skip,
img_path.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..dataset import Dataset
from ..layer import footprint_columns
from ..tile_table import TileTable
from .summary import class_shares

_BANDWISE = {"img_min": "minimum", "img_max": "maximum", "img_mean": "mean", "img_std": "std"}


def tile_columns(tiles: TileTable, dataset: Dataset, folds: NDArray[np.int64] | None) -> dict[str, NDArray[Any]]:
    """Return the fields of the layer of tile statistics.

    They are those of tiles.gpkg and fold (-1 for none; only where folds were asked for), skip (1 for tiles to skip),
    target (share of pixels of a class above 0), share_V (share of class V among the pixels with a class), image and
    label (paths).

    Args:
        tiles: The tiles (N).
        dataset: Their dataset.
        folds: The fold of every tile (N,).
    """
    columns = footprint_columns(tiles, dataset.classes)
    columns |= {} if folds is None else {"fold": folds}
    columns["skip"] = tiles.to_skip.astype(np.int32)
    columns["target"] = target_ratio(tiles, dataset)
    shares = class_shares(tiles.counts)
    columns |= {f"share_{value}": shares[:, at] for at, value in enumerate(dataset.classes.values)}
    columns["image"] = np.array([str(tile.image.absolute()) for tile in dataset.tiles], dtype=object)
    if len(dataset.classes):
        columns["label"] = np.array([str(tile.label.absolute()) for tile in dataset.tiles], dtype=object)
    return columns


def target_ratio(tiles: TileTable, dataset: Dataset) -> NDArray[np.float64]:
    """Return the share of each tile's pixels (N,) that have a class above 0; ignored pixels have none."""
    above = np.asarray(dataset.classes.values, dtype=np.int64) > 0
    return np.asarray(tiles.counts[:, above].sum(axis=1) / tiles.pixels, dtype=np.float64)


def write_table(
    path: Path, tiles: TileTable, polygons: NDArray[Any], dataset: Dataset, folds: NDArray[np.int64] | None
) -> None:
    """Write the table.

    Args:
        path: The CSV file.
        tiles: The tiles (N).
        polygons: Their footprints (N,), whose bounds (left, bottom, right, top in map units) it tells.
        dataset: Their dataset.
        folds: The fold of every tile (N,), -1 for none.
    """
    classes = {f"class_{value}": tiles.counts[:, at] for at, value in enumerate(dataset.classes.values)}
    names = ["index", *_BANDWISE, "target_ratio", "fold_index", "skip", "img_path"]
    more = ["label_path", "scene", "split", "nodata_share", "bounds", *classes]
    bounds, ratio = shapely.bounds(polygons), target_ratio(tiles, dataset)
    skipped, missing = tiles.to_skip, tiles.nodata_share
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*names, *more])
        for at, tile in enumerate(dataset.tiles):
            writer.writerow([
                at, *(_in_brackets(getattr(tiles, attribute)[at]) for attribute in _BANDWISE.values()),
                float(ratio[at]), -1 if folds is None else int(folds[at]), bool(skipped[at]),
                str(tile.image.absolute()), str(tile.label.absolute()) if classes else "", tile.scene, tile.split,
                float(missing[at]),
                _in_brackets(bounds[at]), *(int(column[at]) for column in classes.values()),
            ])  # fmt: skip


def _in_brackets(values: NDArray[np.float64]) -> str:
    return str(tuple(float(value) for value in values))
