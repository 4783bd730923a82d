"""How the classes are spread: over pixels, with weights against rare ones, and over the sets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ....contract.classes import BACKGROUND_NAME
from ..class_presence import ALL_TILES, missing_classes
from ..dataset import TRAIN, VALIDATION
from .finding import ERROR, NOTE, WARNING, Finding, tiles_in_words
from .survey import Survey

FEW_TRAINING_TILES = 8
_RARE_SHARE = 0.05
_VERY_RARE_SHARE = 0.005
_MOSTLY_EMPTY = 0.5


def class_weights(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return a weight for each class (K,) against its pixels (K,): 0 for one without any.

    Source: median frequency balancing, Eigen and Fergus, "Predicting depth, surface normals and semantic labels with a
    common multi-scale convolutional architecture", 2015; here over the shares of all pixels together.
    """
    present = counts > 0
    if not present.any():
        return np.zeros(len(counts))
    share = counts / counts.sum()
    return np.where(present, np.median(share[present]) / np.where(present, share, 1), 0)


def training_counts(survey: Survey) -> NDArray[np.int64]:
    """Return the labelled pixels of each class (K,) in the training tiles, or in all tiles where there are no sets."""
    return np.asarray(survey.counts[survey.chosen(TRAIN)].sum(axis=0))


def find_imbalance(survey: Survey) -> Iterator[Finding]:
    """Find classes with few training pixels, a network that never names them is nearly always right."""
    counts = training_counts(survey)
    present = counts > 0
    if present.sum() < 2:
        return
    shares = counts / counts.sum()
    rare = present & (shares < _RARE_SHARE)
    if not rare.any():
        return
    listing = ", ".join(f"'{survey.classes.names[k]}' {100 * shares[k]:.2g} %" for k in np.flatnonzero(rare))
    weights = class_weights(counts)
    advice = ", ".join(f"'{name}' {weights[k]:.3g}" for k, name in enumerate(survey.classes.names) if present[k])
    yield Finding(
        "classes_rare", WARNING if shares[rare].min() < _VERY_RARE_SHARE else NOTE,
        f"Few training pixels have {listing}.",
        f"Use a loss that heeds rare classes (dice, focal), or weights such as {advice}; or cut more tiles where they "
        "are.",
    )  # fmt: skip


def find_absent_classes(survey: Survey) -> Iterator[Finding]:
    """Find classes without a pixel in any tile."""
    total = survey.counts.sum(axis=0)
    absent = _missing(survey).get(ALL_TILES)
    if absent and (total > 0).sum() > 1:
        yield Finding(
            "classes_absent", WARNING, f"No tile has a pixel of {absent}.",
            "A model will not find it: cut tiles where it is, or leave the class out.",
        )  # fmt: skip


def find_training_class(survey: Survey) -> Iterator[Finding]:
    """Find training tiles that hold one class only, though other tiles hold more."""
    present = training_counts(survey) > 0
    if present.sum() == 1 and (survey.counts.sum(axis=0) > 0).sum() > 1:
        yield Finding(
            "training_one_class", ERROR,
            f"All labelled pixels of the training tiles are '{survey.classes.names[int(present.argmax())]}'.",
            "Split anew with 'Split dataset', so that training tiles hold every class.",
        )  # fmt: skip


def find_classes_missing(survey: Survey) -> Iterator[Finding]:
    """Find classes that are in some tiles, but not in training or not in validation."""
    missing = _missing(survey)
    for split, why in ((TRAIN, "a model will not learn it"), (VALIDATION, "nobody can tell how well it is found")):
        is_told = split == TRAIN and (training_counts(survey) > 0).sum() < 2  # as an error
        if split in missing and not is_told:
            yield Finding(
                f"classes_missing_{split}", WARNING, f"No {split} tile has a pixel of {missing[split]}: {why}.",
                "Split anew with 'Split dataset' and another SEED or a smaller BLOCK_SIZE.",
            )  # fmt: skip


def find_few_tiles(survey: Survey) -> Iterator[Finding]:
    """Find a dataset with few training tiles, or without any."""
    training = [pair for pair in survey.pairs.pairs if pair.split in (TRAIN, None)]
    if not training:
        yield Finding(
            "no_training_tiles", ERROR, "The dataset has no training tiles.",
            "Set 'split' of some tiles in tiles.gpkg to train, or use 'Split dataset'.",
        )  # fmt: skip
    elif len(training) < FEW_TRAINING_TILES:
        yield Finding(
            "few_tiles", WARNING, f"There are only few tiles to learn from: {len(training)}.",
            "Make smaller tiles, or label more; a network learns such a small set by heart.",
        )  # fmt: skip


def find_no_validation(survey: Survey) -> Iterator[Finding]:
    """Find a dataset that is split, but without validation tiles."""
    if survey.pairs.has_splits and all(pair.split != VALIDATION for pair in survey.pairs.pairs):
        yield Finding(
            "no_validation_tiles", WARNING, "The dataset has no validation tiles: all figures will be too good.",
            "Set some tiles aside with 'Split dataset'.",
        )  # fmt: skip


def find_empty_tiles(survey: Survey) -> Iterator[Finding]:
    """Tell when most tiles hold nothing but background."""
    names = survey.classes.names
    if BACKGROUND_NAME not in names or not survey.counts.any():
        return
    wanted = np.delete(survey.counts, names.index(BACKGROUND_NAME), axis=1).sum(axis=1)
    labelled = survey.counts.sum(axis=1) > 0
    bare = labelled & (wanted == 0)
    share = bare.sum() / labelled.sum()
    if share > _MOSTLY_EMPTY and wanted.any():
        tiles = tuple(survey.labels[place][0].id for place in np.flatnonzero(bare))
        yield Finding(
            "tiles_only_background", NOTE,
            f"{100 * share:.3g} % of the labelled tiles hold background only: {tiles_in_words(tiles)}.",
            "Some teach what is not meant, so many slow training down: MIN_LABELLED above 0 leaves them out.",
            tiles,
        )  # fmt: skip


def _missing(survey: Survey) -> dict[str, str]:
    splits = np.array([pair.split for pair, _ in survey.labels], dtype=object)
    return missing_classes(survey.classes, survey.counts, splits)
