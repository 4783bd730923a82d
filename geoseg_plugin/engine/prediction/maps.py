"""What becomes of the network's answers: they are blended and written strip by strip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from .blending import Blender, softmax
from .pipeline import Item
from .reading import WindowInput
from .results import Results


class MapWriter:
    """Takes batches of answers in the order of the windows and writes every row of pixels once it is complete.

    Args:
        results: Where the map goes.
        blender: What joins the windows of a section.
        left: First column of that section.
    """

    def __init__(self, results: Results, blender: Blender, left: int) -> None:
        self._results = results
        self._blender = blender
        self._left = left
        self._valid: list[NDArray[np.bool_]] = []

    def consume(self, batch: list[Item], logits: NDArray[np.float32]) -> None:
        """Take a batch of windows and row ends, and the logits (N, K, H, W) of its N windows."""
        answers = iter(logits)
        for item in batch:
            if isinstance(item, WindowInput):
                self._blender.add(item.row, item.col, softmax(next(answers)))
                continue
            self._valid.append(item.valid)
            first, strip = self._blender.take(item.row)
            rows = strip.shape[1]
            if rows:
                valid = np.concatenate(self._valid)
                self._write(first, strip, valid[:rows])
                self._valid = [valid[rows:]]

    def _write(self, first: int, strip: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Write the probabilities (K, H, W) of the rows from `first` on."""
        indices, confidence = choose_classes(strip)
        window = Window(self._left, first, strip.shape[2], strip.shape[1])
        self._results.write(window, strip, indices, confidence, valid)


def choose_classes(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
    """Return the index of the most probable class (H, W) and its probability (H, W) from (K, H, W).

    A running maximum, since argmax over the first axis takes several times as long. Of equals the first wins.
    """
    best = probabilities[0].copy()
    indices: NDArray[np.integer] = np.zeros(best.shape, np.uint8 if len(probabilities) <= 256 else np.uint16)
    for index in range(1, len(probabilities)):
        np.copyto(indices, index, where=probabilities[index] > best)
        np.maximum(best, probabilities[index], out=best)
    return indices, best
