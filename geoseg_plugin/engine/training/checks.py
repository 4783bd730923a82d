"""What can be wrong with data and training, and how the user hears of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....models.catalog import smallest_tile
from ...contract.classes import ClassTable
from ...contract.errors import GeosegError, InputError, RequestError
from ...contract.events import Report
from ...contract.quoting import quote_names
from ...contract.stages.training import TrainSegmentation
from ...contract.stages.training_parts.objective import GIVEN
from ...contract.stages.training_parts.sampling import EVERY
from ..datasets.dataset import FOOTPRINTS, MAKE_AGAIN, TRAIN, VALIDATION, BandStatistics, Dataset, Tile
from .augmentation.variation import Variation
from .class_counts import read_class_counts
from .validation import Measurement

_FAR_OUT_STDS = 100.0


def check_fit(dataset: Dataset, request: TrainSegmentation) -> None:
    """Check that the dataset can train that network.

    Raises:
        InputError: It has no labels, no training tiles, or fewer than two classes, or its tiles, or what CROP shows of
            them, are too small.
    """
    if not len(dataset.classes):
        raise InputError(
            f"The dataset {dataset.name} has no labels, so that nothing can be learnt from it.",
            "Make the tiles again with LABELS.",
        )
    if not dataset.split(TRAIN):
        raise InputError(
            f"The dataset {dataset.name} has no training tiles.", "Set 'split' of some tiles in tiles.gpkg to train."
        )
    if len(dataset.classes) < 2:
        raise InputError(
            f"The dataset {dataset.name} has only one class ({', '.join(dataset.classes.names)}).",
            "A network needs something to tell it from: give the background a class value.",
        )
    side, smallest = Variation.of(request).side(dataset.tile_size), smallest_tile(request.architecture)
    if side < smallest:
        what = "The tiles have"
        fix = "Make larger tiles" if dataset.source is None else f"Set TILE_SIZE to {smallest} or more"
        if dataset.tile_size >= smallest:
            what, fix = "CROP shows of tiles", f"Set CROP to {smallest} or more, or to 0"
        other = ", or choose unet" if side >= smallest_tile("unet") else ""
        raise InputError(
            f"{what} {side} pixels a side; {request.architecture} needs {smallest} or more.", f"{fix}{other}."
        )


def measured_tiles(dataset: Dataset, report: Report) -> tuple[Tile, ...]:
    """Return the tiles to measure on: for validation or, where there are none, for training, with a warning."""
    tiles = dataset.split(VALIDATION)
    if tiles:
        return tiles
    report.warn(
        "The dataset has no validation tiles: the figures are measured on the training tiles and are too good. "
        f"{'Make the dataset with' if dataset.source is None else 'Give'} a share of VALIDATION."
    )
    return dataset.split(TRAIN)


def check_classes(counts: NDArray[np.int64], classes: ClassTable, report: Report) -> None:
    """Warn of classes without a training pixel.

    Args:
        counts: (K,) labelled training pixels of each class.
        classes: The classes.
        report: Where the warning goes.

    Raises:
        InputError: There is no labelled pixel at all.
    """
    if not counts.any():
        raise InputError(
            "No training tile has a labelled pixel.", "Check that the labels cover the image and are not all 'ignore'."
        )
    absent = [name for name, count in zip(classes.names, counts, strict=True) if count == 0]
    if absent:
        report.warn(f"No training tile has a pixel of {quote_names(absent)}: the model will not find it.")


def shows_all(request: TrainSegmentation) -> bool:
    """Return whether an epoch shows every training tile, all of it but what augmentation cuts off."""
    return request.sampling == EVERY and not request.epoch_tiles


def check_told_classes(request: TrainSegmentation, dataset: Dataset, report: Report) -> None:
    """Warn of classes without a training pixel, as the dataset's layer tells, where the first epoch does not show it.

    Raises:
        InputError: There is no labelled pixel at all.
    """
    counts = None if shows_all(request) else _told_counts(dataset)
    if counts is not None:
        check_classes(counts, dataset.classes, report)


def check_shown_classes(
    request: TrainSegmentation, dataset: Dataset, counts: NDArray[np.int64], report: Report
) -> None:
    """Warn of classes without a training pixel, after an epoch that has shown all tiles.

    Where it has cut off parts of them, a class may be in these alone: then the dataset's layer has a say as well.

    Args:
        request: What was asked for.
        dataset: The dataset.
        counts: (K,) labelled pixels of each class that the epoch has shown.
        report: Where the warning goes.

    Raises:
        InputError: There is no labelled pixel at all.
    """
    variation = Variation.of(request)
    cuts = variation.rotation or variation.scale or variation.crop != 0 or variation.cutmix
    if cuts and not counts.all():
        told = _told_counts(dataset)
        counts = counts if told is None else counts + told
    check_classes(counts, dataset.classes, report)


def _told_counts(dataset: Dataset) -> NDArray[np.int64] | None:
    """Return the training pixels of each class (K,) as the dataset's layer tells, None where it does not."""
    try:
        counts: NDArray[np.int64] = read_class_counts(dataset, dataset.split(TRAIN), "").sum(axis=0)
    except InputError:  # a layer that does not tell is no reason not to train
        return None
    return counts


def check_weights(
    request: TrainSegmentation, weights: Sequence[float], counts: NDArray[np.int64], classes: ClassTable, report: Report
) -> None:
    """Warn of classes that count nothing, though tiles show them, as the layer that weights come from does not tell so.

    Args:
        request: Whose CLASS_WEIGHTS they are.
        weights: Of the classes (K,), or () where all count the same.
        counts: (K,) labelled training pixels of each class.
        classes: The classes.
        report: Where the warning goes.

    Raises:
        RequestError: All classes that tiles show count nothing.
    """
    if weights:
        check_that_some_count(weights, counts, classes)
    each = zip(classes.names, weights or [1.0] * len(classes), counts, strict=True)
    lost = [name for name, weight, count in each if weight == 0 and count > 0]
    if lost and request.class_weights != GIVEN:
        report.warn(
            f"Training tiles show {quote_names(lost)}, but {FOOTPRINTS} tells of no such pixel: with CLASS_WEIGHTS "
            f"{request.class_weights} they count nothing in the loss. {MAKE_AGAIN}"
        )


def check_that_some_count(weights: Sequence[float], counts: NDArray[np.int64], classes: ClassTable) -> None:
    """Check that something is left to learn.

    Args:
        weights: Of the classes (K,).
        counts: (K,) labelled training pixels of each class.
        classes: The classes.

    Raises:
        RequestError: All classes that have pixels have the weight 0.
    """
    shown = [index for index, count in enumerate(counts) if count > 0]
    if not any(weights[index] for index in shown):
        names = quote_names([classes.names[index] for index in shown])
        raise RequestError(
            f"Training tiles show only {names}, with the weight 0 in the loss: nothing would count.",
            "Give a weight above 0 with GIVEN_WEIGHTS, or set CLASS_WEIGHTS to none.",
        )


def not_finite(learning_rate: float, statistics: Sequence[BandStatistics], epoch: int) -> GeosegError:
    """Return the error for a loss that is no finite number, with the likely cause."""
    wild = [one.name for one in statistics if _farthest(one) > _FAR_OUT_STDS * (one.std or 1.0)]
    what = f"The loss is no finite number any more (epoch {epoch}, learning rate {learning_rate:.2g})."
    if wild:
        return GeosegError(
            what, f"Some pixels of {quote_names(wild)} are far from all others: declare them as nodata, or clip them."
        )
    return GeosegError(what, f"Lower LEARNING_RATE, for instance to {learning_rate / 10:.2g}.")


def warn_if_constant(measured: Measurement, classes: ClassTable, epoch: int, report: Report) -> bool:
    """Warn, and return True, when the network gives every pixel the same class."""
    only = measured.constant_class
    if only is None:
        return False
    others = ", ".join(
        f"'{name}' has a mean probability of {mean:.3f} and at most {top:.3f}"
        for index, (name, mean, top) in enumerate(
            zip(classes.names, measured.mean_probability, measured.top_probability, strict=True)
        )
        if index != only
    )
    report.warn(
        f"After epoch {epoch} every pixel is predicted as '{classes.names[only]}'; {others}. If it stays so: train "
        "longer, give rare classes more weight (LOSS f2, CLASS_WEIGHTS), check that labels lie on what they name, or "
        "make tiles with more of it."
    )
    return True


def _farthest(one: BandStatistics) -> float:
    return max(one.maximum - one.mean, one.mean - one.minimum)
