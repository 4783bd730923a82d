"""Splits by names: of scenes, or of the folds of a layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.dataset_split import SplitDataset
from ...imagery.paths import name_some
from ...vector import read_features
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION, Split
from ..placed import PlacedTiles

_FOLD_FIELDS = ("tile", "fold")


def split_by_names(
    request: SplitDataset, placed: PlacedTiles, groups: NDArray[np.int64], report: Report
) -> NDArray[np.object_]:
    """Return the splits (N,) by the scenes that VALIDATION_NAMES and TEST_NAMES name; all others train.

    Scenes that share ground with a named one go with it.

    Args:
        request: The request.
        placed: The tiles.
        groups: The same number (N,) for tiles of scenes that share ground.
        report: Hears which scenes go along.

    Raises:
        RequestError: A name fits no scene, or scenes that share ground are named for both.
    """
    scenes = placed.scenes
    every = sorted(set(scenes))
    taken: dict[int, Split] = {}
    for split, names in _named(request).items():
        fitting = {name: [scene for scene in every if name in scene] for name in names}
        unknown = [name for name, some in fitting.items() if not some]
        if unknown:
            raise RequestError(f"No scene's name holds '{unknown[0]}'.", f"The scenes are {name_some(every)}.")
        named = sorted({scene for some in fitting.values() for scene in some})
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

    Tiles without a fold (-1) are unused, those of folds that nobody names train.

    Raises:
        InputError: The layer cannot be read, or does not have all tiles.
        RequestError: A fold does not exist, or is named for both.
    """
    columns = read_features(str(request.layer), _FOLD_FIELDS).columns
    folds = {str(tile): int(fold) for tile, fold in zip(*(columns[name] for name in _FOLD_FIELDS), strict=True)}
    missing = [tile for tile in placed.ids if tile not in folds]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(placed.ids)} tiles have no fold in {request.layer} (first: {missing[0]}).",
            "Give the layer that 'Tile statistics' wrote for this dataset.",
        )
    own = np.array([folds[tile] for tile in placed.ids])
    known = sorted({int(fold) for fold in own if fold >= 0})
    splits = np.where(own < 0, UNUSED, TRAIN).astype(object)
    for split, names in _named(request).items():
        for name in names:
            if name not in map(str, known):
                raise RequestError(f"There is no fold '{name}'.", f"The folds are {', '.join(map(str, known))}.")
            if np.isin(splits[own == int(name)], (VALIDATION, TEST)).any():
                raise RequestError(f"Fold {name} is named twice.", "Name it once, for validation or for test.")
            splits[own == int(name)] = split
    return splits


def _named(request: SplitDataset) -> Mapping[Split, list[str]]:
    texts: dict[Split, str | None] = {VALIDATION: request.validation_names, TEST: request.test_names}
    return {
        split: [part.strip() for part in (text or "").split(",") if part.strip()] for split, text in texts.items()
    }  # fmt: skip
