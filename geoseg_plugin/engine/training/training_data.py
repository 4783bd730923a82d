"""What a training learns from: a dataset on disk, or scenes that are read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...contract.events import Report
from ...contract.stages.datasets import MakeTiles
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import Dataset, open_dataset
from ..datasets.windows.opening import open_windows
from .tiles import room_for_tiles

_NOWHERE = "(not written)"


@contextmanager
def open_training_data(request: TrainSegmentation, report: Report, here: int = 1) -> Iterator[Dataset]:
    """Give the dataset to train on. Its tiles can be read until the block ends.

    Args:
        request: The training: DATASET, or IMAGES and LABELS, of which the dataset is what 'Make training tiles' would
            make of the same values.
        report: Hears of the progress, which is slow only where scenes must be read.
        here: How many processes on this machine train together, which share its memory.

    Raises:
        InputError: The dataset is broken; or the images and labels cannot be read, do not fit each other, or cannot be
            split.
        RequestError: LABELS mixes kinds.
        Cancelled: The user has asked to stop.
    """
    if request.dataset is not None:
        yield open_dataset(request.dataset)
        return
    tiles = MakeTiles(
        images=request.images, labels=request.labels, field=request.field, tile_size=request.tile_size,
        overlap=request.overlap, validation=request.validation, seed=request.seed, output=_NOWHERE,
    )  # fmt: skip
    with open_windows(tiles, report, room_for_tiles() // here) as dataset:
        yield dataset
