"""Tiles that stand for all that are measured on, as a network sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
import torch

from ...datasets.dataset import Tile
from ..course import Course
from ..validation import predict
from .panels import Panels, draw_panels

_MOST = 8
_MOST_LOOKED_AT = 64


def choose_examples(course: Course) -> tuple[Tile, ...]:
    """Return at most eight tiles, spread evenly over those that are measured on, with more than one class if possible.

    Where there are many, only some are looked at.
    """
    looked_at = _spread(course.measured, _MOST_LOOKED_AT)
    labels = (course.batches.store.load(tile).label for tile in looked_at)
    variety = [len(np.unique(label[label >= 0])) for label in labels]
    mixed = [tile for tile, classes in zip(looked_at, variety, strict=True) if classes > 1]
    plain = [tile for tile, classes in zip(looked_at, variety, strict=True) if classes == 1]
    chosen = _spread(mixed, _MOST)
    chosen += _spread(plain, _MOST - len(chosen))
    return tuple(chosen)


def _spread(tiles: Sequence[Tile], most: int) -> list[Tile]:
    count = min(most, len(tiles))
    return [tiles[place * len(tiles) // count] for place in range(count)]


def predict_panels(course: Course, network: torch.nn.Module, tiles: Sequence[Tile]) -> Iterator[Panels]:
    """Yield the panels of tiles, as a network predicts them; it is left in evaluation mode.

    Args:
        course: Where tiles, scaling and precision are from.
        network: On its device.
        tiles: Some of the tiles that are measured on.
    """
    network.eval()
    with closing(course.batches.in_order(tiles)) as feed:
        for batch in feed:
            with torch.inference_mode():  # around no yield: it would hold for the caller too
                indices = predict(network, batch.images, course.precision).argmax(dim=1).cpu().numpy()
            for predicted, place in zip(indices, batch.places, strict=True):
                sample = course.batches.store.load(tiles[place])
                height, width = sample.valid.shape
                yield draw_panels(
                    tiles[place].id, sample, predicted[:height, :width], course.dataset.bands, course.dataset.classes
                )
