"""Splits by names: of scenes, or of the folds of a layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.dataset_split import SplitDataset
from ...imagery.paths import name_some
from ...vector import read_features
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION, Split
from ..ground import NO_SET as NO_FOLD
from ..placed import PlacedTiles

_FOLD_FIELDS = ("tile", "fold")


def split_by_names(
    request: SplitDataset, placed: PlacedTiles, groups: NDArray[np.int64], report: Report
) -> NDArray[np.object_]:
    """Return the splits (N,) by the scenes that VALIDATION_NAMES and TEST_NAMES name; all others train.

    A name means the scene of that name, or else all scenes whose names hold it. Scenes that share ground with a named
    one go with it.

    Args:
        request: The request.
        placed: The tiles.
        groups: The same number (N,) for tiles of scenes that share ground.
        report: Hears which scenes are meant, and which go along.

    Raises:
        RequestError: A name fits no scene, or scenes that share ground are named for both.
    """
    scenes = placed.scenes
    every = sorted(set(scenes))
    taken: dict[int, Split] = {}
    for split, names in _named(request).items():
        fitting = {name: [name] if name in every else [scene for scene in every if name in scene] for name in names}
        unknown = [name for name, some in fitting.items() if not some]
        if unknown:
            raise RequestError(f"No scene's name holds '{unknown[0]}'.", f"The scenes are {name_some(every)}.")
        named = sorted({scene for some in fitting.values() for scene in some})
        if named:
            report.note(f"Scenes named for {split}: {name_some(named)}.")
        for group in np.unique(groups[np.isin(scenes, named)]).tolist():
            if taken.setdefault(group, split) != split:
                both = name_some(sorted(set(scenes[groups == group])))
                raise RequestError(
                    f"The same ground is named for validation and for test: {both}.", "Name it for one of them."
                )
        along = sorted(set(scenes[np.isin(groups, [group for group, own in taken.items() if own == split])]) - {*named})
        if along:
            report.note(f"Scenes that share ground with those named for {split} go with them: {name_some(along)}.")
    return np.array([taken.get(group, TRAIN) for group in groups.tolist()], dtype=object)


def split_by_folds(request: SplitDataset, placed: PlacedTiles) -> NDArray[np.object_]:
    """Return the splits (N,) by the folds that LAYER, which 'Tile statistics' wrote, gives the tiles by their names.

    Tiles without a fold (-1 or NULL) are unused, those of folds that nobody names train.

    Raises:
        InputError: The layer cannot be read, does not have all tiles, or a fold is no number.
        RequestError: A fold does not exist, or is named for both.
    """
    columns = read_features(str(request.layer), _FOLD_FIELDS).columns
    folds = {str(tile): _read_fold(fold) for tile, fold in zip(*(columns[name] for name in _FOLD_FIELDS), strict=True)}
    missing = [tile for tile in placed.ids if tile not in folds]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(placed.ids)} tiles have no fold in {request.layer} (first: {missing[0]}).",
            "Give the layer that 'Tile statistics' wrote for this dataset.",
        )
    own = np.array([folds[tile] for tile in placed.ids])
    known = sorted({int(fold) for fold in own if fold != NO_FOLD})
    splits = np.where(own == NO_FOLD, UNUSED, TRAIN).astype(object)
    for split, names in _named(request).items():
        for name in names:
            if name not in map(str, known):
                raise RequestError(f"There is no fold '{name}'.", f"The folds are {', '.join(map(str, known))}.")
            if np.isin(splits[own == int(name)], (VALIDATION, TEST)).any():
                raise RequestError(f"Fold {name} is named twice.", "Name it once, for validation or for test.")
            splits[own == int(name)] = split
    return splits


def _read_fold(value: Any) -> int:
    """Return the number of a fold, NO_FOLD for -1 and NULL."""
    try:
        fold = math.nan if value is None else float(value)
    except ValueError:
        fold = math.inf
    if math.isnan(fold):  # NULL in a column of numbers
        return NO_FOLD
    if not fold.is_integer() or fold < NO_FOLD:
        raise InputError(f"'{value}' is no fold.", "Give the layer that 'Tile statistics' wrote: folds are 0, 1, ...")
    return int(fold)


def _named(request: SplitDataset) -> Mapping[Split, list[str]]:
    texts: dict[Split, str | None] = {VALIDATION: request.validation_names, TEST: request.test_names}
    return {
        split: [part.strip() for part in (text or "").split(",") if part.strip()] for split, text in texts.items()
    }  # fmt: skip
