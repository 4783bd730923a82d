"""What becomes of the network's answers: class raster, probabilities and polygons, written strip by strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from ...contract.classes import ClassTable
from .blending import Blender, softmax
from .pipeline import Item
from .reading import WindowInput
from .tally import Tally

if TYPE_CHECKING:
    from .polygons import PolygonWriter


class MapWriter:
    """Takes batches of answers in the order of the windows and writes every row of pixels once it is complete.

    Args:
        classes: The classes in the order of the network's channels.
        blender: What joins the windows.
        output: Open class raster.
        probabilities: Open raster with one float32 band per class, nodata NaN; None where not wanted.
        polygons: Where the polygons go; None where not wanted.
    """

    def __init__(
        self,
        classes: ClassTable,
        blender: Blender,
        output: DatasetWriter,
        probabilities: DatasetWriter | None,
        polygons: PolygonWriter | None,
    ) -> None:
        self.tally = Tally(classes)
        self._values = np.array(classes.values, dtype=output.dtypes[0])
        self._blender = blender
        self._output = output
        self._probabilities = probabilities
        self._polygons = polygons
        self._valid = np.empty((0, output.width), np.bool_)

    def consume(self, batch: list[Item], logits: NDArray[np.float32]) -> None:
        """Take a batch of windows and row ends, and the logits (N, K, H, W) of its N windows."""
        answers = iter(logits)
        for item in batch:
            if isinstance(item, WindowInput):
                self._blender.add(item.row, item.col, softmax(next(answers)))
                continue
            self._valid = np.concatenate([self._valid, item.valid])
            first, strip = self._blender.take(item.row)
            rows = strip.shape[1]
            if rows:
                self._write(first, strip, self._valid[:rows])
                self._valid = self._valid[rows:]

    def close(self) -> None:
        """Finish what goes beyond single strips."""
        if self._polygons is not None:
            self._polygons.close()

    def _write(self, first: int, strip: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Write the probabilities (K, H, W) of the rows from `first` on."""
        indices, confidence = choose_classes(strip)
        self.tally.add(strip, indices, confidence, valid)
        window = Window(0, first, strip.shape[2], strip.shape[1])
        values = self._values[indices]
        values[~valid] = self._output.nodata
        self._output.write(values, 1, window=window)
        if self._polygons is not None:
            self._polygons.add(first, indices, confidence, valid)
        if self._probabilities is not None:
            strip[:, ~valid] = np.nan
            self._probabilities.write(strip, window=window)


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
