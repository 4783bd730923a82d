"""The stage that splits a dataset anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Part, Report
from ....contract.stages import to_json
from ....contract.stages.dataset_split import BY_FOLD, SplitDataset, SplitDatasetResult
from ....contract.stages.tile_statistics import AT_RANDOM, BY_BLOCKS, BY_LAYER, BY_SCENE
from ...output import whole_folder
from ...run import version
from ..dataset import (
    FOOTPRINTS,
    SPLITS,
    TEST,
    TRAIN,
    UNUSED,
    VALIDATION,
    Dataset,
    Description,
    Split,
    band_statistics,
    open_dataset,
    write_description,
)
from ..layer import write_footprints
from ..placed import PlacedTiles, place_tiles
from ..statistics.measured import measure_dataset
from ..statistics.summary import class_shares
from ..tile_table import TileTable
from .blocks import group_scenes
from .ground_split import split_groups, split_on_ground, tell_unused
from .linked_copy import link_tiles
from .names import split_by_folds, split_by_names
from .random_split import split_at_random
from .regions import split_by_boxes, split_by_extent, split_by_layer
from .separation import leave_out

_READING_SHARE, _LINKING_SHARE = 0.4, 0.9


def split_dataset(request: SplitDataset, report: Report) -> SplitDatasetResult:
    """Split the tiles of DATASET anew, into a dataset of its own.

    Raises:
        InputError: DATASET is none, METHOD cannot be used on it, or a set stays empty.
        RequestError: Names fit nothing, or the same ground is named twice.
        OutputError: OUTPUT is not empty, or cannot be written.
    """
    placed = place_tiles(open_dataset(request.dataset))
    dataset = placed.dataset
    with whole_folder(request.output) as folder:
        tiles = _read_table(placed, Part(report, 0, _READING_SHARE))
        tiles = tiles.with_splits(_split(request, placed, tiles, report))
        link_tiles(dataset, tiles.ids.tolist(), folder, Part(report, _READING_SHARE, _LINKING_SHARE))
        write_description(folder, _describe(request, dataset, tiles))
        write_footprints(folder, tiles, placed.polygons, placed.crs, dataset.classes)
    counts = {name: int((tiles.splits == name).sum()) for name in SPLITS}
    shares = _shares_by_set(tiles, dataset)
    _tell(counts, shares, dataset, report)
    return SplitDatasetResult(
        output=request.output, tiles=str(Path(request.output) / FOOTPRINTS), train_count=counts[TRAIN],
        validation_count=counts[VALIDATION], test_count=counts[TEST], unused_count=counts[UNUSED],
        class_shares=json.dumps(shares),
    )  # fmt: skip


def _read_table(placed: PlacedTiles, report: Report) -> TileTable:
    """Return what the layer knows of the tiles; where it knows too little, for it may be edited, measure them."""
    try:
        return placed.table()
    except InputError:
        report.note(f"{FOOTPRINTS} does not tell all about the tiles: they are measured.")
        return measure_dataset(placed, np.zeros(len(placed.ids), dtype=np.bool_), report).tiles


def _split(request: SplitDataset, placed: PlacedTiles, tiles: TileTable, report: Report) -> NDArray[np.object_]:
    ground = placed.ground(request.buffer)
    shares: dict[Split, float] = {VALIDATION: request.validation, TEST: request.test}
    if request.method == BY_BLOCKS:
        return split_on_ground(
            tiles, ground, shares=shares, tile_size=placed.dataset.tile_size, block_size=request.block_size,
            buffer=request.buffer, stratify=request.stratify, seed=request.seed, report=report,
        )  # fmt: skip
    if request.method == AT_RANDOM:
        return split_at_random(ground, shares, buffer=request.buffer, seed=request.seed, report=report)
    if request.method == BY_SCENE:
        groups = group_scenes(ground, placed.scenes)
        if not (request.validation_names or request.test_names):
            return split_groups(
                tiles, ground, groups, shares=shares, buffer=request.buffer, stratify=request.stratify,
                seed=request.seed, report=report,
            )  # fmt: skip
        wanted = split_by_names(request, placed, groups, report)
    else:
        wanted = _place(request, placed, report)
    splits = leave_out(wanted, ground, request.buffer)
    _check_sets(wanted, splits, request)
    tell_unused(splits, request.buffer, report, before=wanted)
    return splits


def _place(request: SplitDataset, placed: PlacedTiles, report: Report) -> NDArray[np.object_]:
    if request.method == BY_FOLD:
        return split_by_folds(request, placed)
    if request.method == BY_LAYER:
        return split_by_layer(request, placed)
    return split_by_extent(request, placed) if request.box else split_by_boxes(request, placed, report)


def _check_sets(wanted: NDArray[np.object_], splits: NDArray[np.object_], request: SplitDataset) -> None:
    """Refuse a split that leaves a set without tiles."""
    asked = {TRAIN, *(name for name in (VALIDATION, TEST) if (wanted == name).any())}
    for name in sorted(asked - set(splits)):
        before = int((wanted == name).sum())
        reach = f"lie closer than {request.buffer:g} pixels to" if request.buffer else "share ground with"
        cause = f"all {before} {reach} tiles of another set" if before else "METHOD gives it none"
        raise InputError(
            f"No {name} tile is left: {cause}.",
            "Choose other scenes, folds or ground, a smaller BUFFER, or tiles that overlap less.",
        )


def _describe(request: SplitDataset, dataset: Dataset, tiles: TileTable) -> Description:
    """Return the description of the new dataset: as before, but with its own statistics and how it came about."""
    train = tiles.take(tiles.splits == TRAIN)
    if not train.valid.any():
        raise InputError("No training tile has any data.", "Choose another split.")
    values: dict[str, Any] = {one.name: getattr(dataset, one.name) for one in fields(Description)}
    values["statistics"] = band_statistics(dataset.bands, train.moments())
    values["made"] = {
        **{key: dataset.made[key] for key in ("scenes",) if key in dataset.made},
        "geoseg": version(),
        "request": to_json(request),
        **{f"{name}_tiles": int((tiles.splits == name).sum()) for name in SPLITS},
        "source": {"folder": str(dataset.folder.absolute()), "fingerprint": dataset.fingerprint, "made": dataset.made},
    }
    return Description(**values)


def _shares_by_set(tiles: TileTable, dataset: Dataset) -> dict[str, dict[str, float]]:
    """Return the share of each class value in percent, of the pixels with a class, in each set that has tiles."""
    shares = {}
    for name in (TRAIN, VALIDATION, TEST):
        pixels = tiles.counts[tiles.splits == name].sum(axis=0)
        percent = 100 * class_shares(pixels)
        if (tiles.splits == name).any() and len(pixels):
            shares[str(name)] = {
                str(value): round(float(one), 4) for value, one in zip(dataset.classes.values, percent, strict=True)
            }  # fmt: skip
    return shares


def _tell(
    counts: Mapping[Split, int], shares: Mapping[str, Mapping[str, float]], dataset: Dataset, report: Report
) -> None:
    for name, count in counts.items():
        listed = [
            f"{one} {share:.2f} %"
            for one, share in zip(dataset.classes.names, shares.get(name, {}).values(), strict=False)
        ]
        report.note(f"{name}: {count} tiles" + (f" ({', '.join(listed)})" if listed else "") + ".")
    for split, own in shares.items():
        held_elsewhere = (one for one in dataset.classes if any(other[str(one.value)] for other in shares.values()))
        lacking = [one.name for one in held_elsewhere if own[str(one.value)] == 0]
        if lacking:
            report.warn(f"No {split} tile holds {', '.join(lacking)}: give another SEED or METHOD.")
