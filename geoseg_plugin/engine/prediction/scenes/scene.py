"""A raster as networks are to see it: which bands, which part of it, on which pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .....models.card import Card
from ....contract.events import Report
from ....contract.stages.prediction_parts.image import LooksAtImage
from ...grid import Grid
from ...raster import open_raster, read_valid, read_window
from ...scaling import Scaling
from .bands import match_bands, warn_of_odd_pixel_size, warn_of_odd_values
from .reading import Channels, Source


@dataclass(frozen=True)
class Scene:
    """A raster, open to be mapped.

    Attributes:
        source: What windows are read from.
        channels: What each network takes of it.
        grid: The grid of the source: that of the raster, or of the raster at another pixel size.
        frame: The part of that grid to be mapped, in whole pixels.
        class_count: Number of classes, K.
        result_grid: The grid of the results; other than that of the frame where results go back to the raster's pixels.
    """

    source: Source
    channels: tuple[Channels, ...]
    grid: Grid
    frame: Window
    class_count: int
    result_grid: Grid


@contextmanager
def open_scene(path: str, request: LooksAtImage, cards: Sequence[Card], report: Report) -> Iterator[Scene]:
    """Open a raster for networks.

    Args:
        path: Anything that GDAL opens.
        request: Which bands, which area, which pixel size.
        cards: What the networks were trained on.
        report: Is warned of what looks odd.

    Raises:
        InputError: The raster cannot be read.
        ModelError: The raster does not have the bands of a network.
    """
    with open_raster(path) as dataset:
        bands = match_bands(dataset, cards[0], report)
        warn_of_odd_values(dataset, bands, cards[0], report)
        warn_of_odd_pixel_size(Grid.of(dataset), cards[0], report)
        grid = Grid.of(dataset)
        channels = Channels(tuple(range(len(bands))), Scaling(cards[0].bands))
        frame = Window(0, 0, grid.width, grid.height)
        yield Scene(RasterSource(dataset, bands), (channels,), grid, frame, len(cards[0].classes), grid)


class RasterSource:
    """A raster as it is: see `reading.Source`.

    Args:
        dataset: The open raster.
        bands: The numbers of the bands to read.
    """

    def __init__(self, dataset: DatasetReader, bands: Sequence[int]) -> None:
        self._dataset = dataset
        self._bands = tuple(bands)
        self.dtypes = tuple(dataset.dtypes[band - 1] for band in bands)

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) of a window, and (H, W) True where they have data."""
        pixels = read_window(self._dataset, window, self._bands)
        return pixels, read_valid(self._dataset, window, pixels, self._bands)

    def find_wanted(self, window: Window) -> NDArray[np.bool_] | None:
        """Return None: all of it is to be mapped."""
        return None
