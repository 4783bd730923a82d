"""Folds for cross-validation: which tiles stay together, and in which fold."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.tile_statistics import AT_RANDOM, BY_BLOCKS, BY_LAYER, BY_NAME, BY_SCENE, TileStatistics
from ...vector import Features, read_features, reproject
from ..ground import NO_PARTNER, NO_SET, find_partners
from ..placed import PlacedTiles
from ..splitting.blocks import group_scenes, lay_blocks

NO_FOLD = NO_SET
_OFFSETS = re.compile(r"_\d{6,}_\d{6,}$")


def assign_folds(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64] | None:
    """Return the fold of every tile (N,), from 0, -1 for none; None where no folds are asked for.

    Raises:
        RequestError: FOLD_NAMES has no names, or one twice.
        InputError: The layer cannot be read or has no CRS, no tile gets a fold, or there are too few blocks or scenes.
    """
    finders = {
        BY_BLOCKS: _by_blocks, BY_SCENE: _by_scene, BY_NAME: _by_name, BY_LAYER: _by_layer, AT_RANDOM: _at_random,
    }  # fmt: skip
    if request.folds not in finders:
        return None
    folds = finders[request.folds](request, placed, report)
    without = np.flatnonzero(folds == NO_FOLD)
    if len(without) == len(folds):
        raise InputError(
            f"No tile of {request.dataset} belongs to a fold.", "Check FOLD_NAMES or the place and CRS of FOLD_LAYER."
        )
    if len(without):
        first = placed.ids[without[0]]
        report.warn(f"{len(without)} of {len(folds)} tiles belong to no fold (first: {first}): their fold is -1.")
    sizes = Counter(folds[folds != NO_FOLD].tolist())
    report.note("Tiles of each fold: " + ", ".join(f"{fold}: {sizes[fold]}" for fold in sorted(sizes)) + ".")
    _tell_shared_ground(folds, placed, report)
    return folds


def name_parts(text: str, parameter: str) -> list[str]:
    """Return the parts of names in a list such as "38SLF, 38RPV".

    Raises:
        RequestError: There are none, or one is there twice.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or len(set(parts)) < len(parts):
        raise RequestError(f"{parameter} is '{text}'.", "Give different parts of names, separated by commas.")
    return parts


def _by_blocks(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64]:
    dataset = placed.dataset
    share = 100 / request.fold_count
    blocks = lay_blocks(
        placed.ground(), placed.scenes, tile_size=dataset.tile_size, size=request.block_size, share=share
    )  # fmt: skip
    report.note(f"Blocks of about {blocks.size} pixels ({blocks.count} in all) are put into folds.")
    return _balance(blocks.of_tile, request, "blocks of ground", "Give a smaller BLOCK_SIZE or FOLD_COUNT.")


def _by_scene(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64]:
    groups = group_scenes(placed.ground(), placed.scenes)
    if groups.max() + 1 < len(set(placed.scenes)):
        report.note(f"Scenes that share ground stay together: {groups.max() + 1} places.")
    return _balance(groups, request, "scenes that share no ground", "Give a smaller FOLD_COUNT, or use blocks.")


def _by_name(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64]:
    """Take the longest of the parts that a scene's name holds, or a tile's before its row and column."""
    parts = name_parts(request.fold_names or "", "FOLD_NAMES")
    order = sorted(range(len(parts)), key=lambda at: -len(parts[at]))
    folds = np.array(
        [
            next((at for at in order if parts[at] in tile.scene or parts[at] in _OFFSETS.sub("", tile.id)), NO_FOLD)
            for tile in placed.dataset.tiles
        ]
    )
    unused = [part for at, part in enumerate(parts) if not (folds == at).any()]
    if unused:
        report.warn(f"No tile belongs to {', '.join(unused)} of FOLD_NAMES.")
    return folds


def _by_layer(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64]:
    """Take the polygon that the middle of a tile lies in; where there are several, the first of the layer."""
    columns = [request.fold_field] if request.fold_field else []
    features = read_features(str(request.fold_layer), columns)
    if (features.crs is None) != (placed.crs is None):
        without, other = (features.source, "the dataset") if features.crs is None else ("The dataset", features.source)
        raise InputError(f"{without} has no CRS, but {other} has one.", "Give it its CRS first.")
    numbers = _number_features(features, request.fold_field)
    middles = reproject(shapely.centroid(placed.polygons), placed.crs, features.crs)
    areas = shapely.make_valid(features.geometries)
    tile, feature = shapely.STRtree(areas).query(middles, predicate="intersects")
    known = numbers[feature] != NO_FOLD
    tile, feature = tile[known], feature[known]
    order = np.lexsort((feature, tile))[::-1]
    folds = np.full(len(middles), NO_FOLD)
    folds[tile[order]] = numbers[feature[order]]
    several = int((np.bincount(tile, numbers[feature] != folds[tile], minlength=len(folds)) > 0).sum())
    if several:
        report.warn(f"The middle of {several} tiles lies in polygons of different folds: the first one counts.")
    return folds


def _number_features(features: Features, field: str | None) -> NDArray[np.int64]:
    """Return the fold of every feature: its place, or that of its value among all values in ascending order."""
    if field is None:
        return np.arange(len(features))
    column: NDArray[Any] = features.columns[field]
    unknown = np.isnan(column) if column.dtype.kind == "f" else column == None  # noqa: E711 - for every element
    values = sorted(set(column[~unknown].tolist()))
    places = {value: at for at, value in enumerate(values)}
    return np.array([places.get(value, NO_FOLD) for value in column.tolist()], dtype=np.int64)


def _at_random(request: TileStatistics, placed: PlacedTiles, report: Report) -> NDArray[np.int64]:
    report.warn(
        "FOLDS is 'random': neighbours, which look alike and may share ground, fall into different folds, so that "
        "figures are too good."
    )
    return _balance(np.arange(len(placed.ids)), request, "tiles", "Give a smaller FOLD_COUNT.")


def _balance(groups: NDArray[np.int64], request: TileStatistics, what: str, fix: str) -> NDArray[np.int64]:
    """Put groups, in an order drawn by lot but the largest first, into the fold that has the fewest tiles."""
    sizes = np.bincount(groups)
    if len(sizes) < request.fold_count:
        raise InputError(f"There are {len(sizes)} {what} for {request.fold_count} folds.", fix)
    drawn = np.random.default_rng(request.seed).permutation(len(sizes))
    folds, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(request.fold_count, dtype=np.int64)
    for group in drawn[np.argsort(-sizes[drawn], kind="stable")]:
        folds[group] = filled.argmin()
        filled[folds[group]] += sizes[group]
    return folds[groups]


def _tell_shared_ground(folds: NDArray[np.int64], placed: PlacedTiles, report: Report) -> None:
    count = int((find_partners(placed.ground().insets, folds, report) != NO_PARTNER).sum())
    if count:
        report.note(f"{count} tiles share ground with a tile of another fold: 'Split dataset' sets them unused.")
