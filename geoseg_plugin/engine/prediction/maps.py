"""What passes the network on the way from a scene to its map: windows, and the ends of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from .scenes.reading import RowEnd, WindowReader
from .scenes.scene import Scene
from .windows.blending import Blender
from .windows.covering import Coverage, Region
from .windows.strips import Sink, Strip


class RegionWriter:
    """Takes answers in the order of the windows and passes every row of pixels on once it is complete.

    Args:
        sink: Takes the strips.
        blender: What joins the windows of a region.
        region: That region.
        corner: Row and column of the scene at which the map begins.
    """

    def __init__(self, sink: Sink, blender: Blender, region: Region, corner: tuple[int, int]) -> None:
        self._sink = sink
        self._blender = blender
        self._top, self._left = corner[0], region.cols.first - corner[1]
        self._valid: list[NDArray[np.bool_]] = []

    def add(self, row: int, col: int, probabilities: NDArray[np.float32]) -> None:
        """Take the answer (K, size, size) of a window. Changes the array."""
        self._blender.add(row, col, probabilities)

    def end_row(self, row: int, fresh: NDArray[np.bool_]) -> None:
        """Take where the rows that are new since the last row of windows are valid; pass on what is complete."""
        self._valid.append(fresh)
        first, probabilities = self._blender.take(row)
        _, rows, columns = probabilities.shape
        if rows:
            valid = np.concatenate(self._valid)
            self._valid = [valid[rows:]]
            window = Window(self._left, first - self._top, columns, rows)
            self._sink.write(Strip(window, probabilities, valid[:rows]))


@dataclass(frozen=True)
class WindowItem:
    """A window on its way through the network: see `pipeline.Item`."""

    pixels: tuple[NDArray[np.float32], ...]
    done: float
    writer: RegionWriter
    row: int
    col: int

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Pass the answer on."""
        if probabilities is not None:
            self.writer.add(self.row, self.col, probabilities)


@dataclass(frozen=True)
class RowEndItem:
    """The end of a row of windows on its way behind them: see `pipeline.Item`."""

    done: float
    writer: RegionWriter
    row: int
    valid: NDArray[np.bool_]
    pixels: None = None

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Pass on where the rows are valid."""
        self.writer.end_row(self.row, self.valid)


def region_items(
    scene: Scene, coverage: Coverage, region: Region, sink: Sink, share: tuple[float, float]
) -> Iterator[WindowItem | RowEndItem]:
    """Yield what passes the network for one region; strips of the answers go to the sink.

    Args:
        scene: The open scene.
        coverage: How windows cover it.
        region: A part of it.
        sink: Takes the strips.
        share: Shares of the work that are done before it and after it, 0 to 1.
    """
    begin, end = share
    blender = Blender(scene.class_count, coverage, region)
    writer = RegionWriter(sink, blender, region, (scene.frame.row_off, scene.frame.col_off))
    for item in WindowReader(scene.source, scene.channels, coverage, region):
        done = begin + (end - begin) * item.done
        if isinstance(item, RowEnd):
            yield RowEndItem(done, writer, item.row, item.valid)
        else:
            yield WindowItem(item.pixels, done, writer, item.row, item.col)


def scene_items(
    scene: Scene, coverage: Coverage, regions: Sequence[Region], sink: Sink
) -> Iterator[WindowItem | RowEndItem]:
    """Yield what passes the network for some regions, one after the other: see `region_items`."""
    total = sum(region.window_count for region in regions)
    begin = 0.0
    for region in regions:
        end = begin + region.window_count / total
        yield from region_items(scene, coverage, region, sink, (begin, end))
        begin = end
