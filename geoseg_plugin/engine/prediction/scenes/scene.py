"""A raster as networks are to see it: which bands, which part of it, on which pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from .....models.card import Card
from ....contract.events import Report
from ....contract.stages.prediction_parts.image import OF_MODEL, LooksAtImage
from ...grid import Grid
from ...imagery.view import holds_classes
from ...raster import open_raster
from ...scaling import Scaling
from .bands import match_bands
from .part import Part
from .pixel_sizes import (
    compare_pixel_sizes,
    scale_grid,
    tell_of_resampling,
    warn_of_odd_pixel_size,
    warn_of_other_models,
)
from .reading import Channels, Source
from .resampling import ScaledSource
from .sources import RasterSource
from .values import warn_of_odd_values

if TYPE_CHECKING:
    from .area import Wish


@dataclass(frozen=True)
class Sight:
    """A raster on a grid, and what of it is to be mapped.

    Attributes:
        source: What windows are read from.
        grid: Its grid.
        frame: The part of that grid to be mapped, in whole pixels.
    """

    source: Source
    grid: Grid
    frame: Window


@dataclass(frozen=True)
class Scene:
    """A raster, open to be mapped.

    Attributes:
        seen: The raster as the networks see it, on its own pixels or on others.
        shown: The raster as the results show it: as it is seen, or on its own pixels.
        channels: What each network takes of it.
        class_count: Number of classes, K.
    """

    seen: Sight
    shown: Sight
    channels: tuple[Channels, ...]
    class_count: int

    @property
    def source(self) -> Source:
        """What windows are read from."""
        return self.seen.source

    @property
    def grid(self) -> Grid:
        """The grid of the source, over all of the raster."""
        return self.seen.grid

    @property
    def frame(self) -> Window:
        """The part of that grid to be mapped, in whole pixels."""
        return self.seen.frame

    @property
    def result_grid(self) -> Grid:
        """The grid of the results: that of the frame, unless results go back to the raster's own pixels."""
        return self.shown.grid.part(self.shown.frame)

    def read_shown(self, window: Window) -> NDArray[np.bool_]:
        """Return (H, W) True where a window of the result grid has data and is to be mapped.

        Raises:
            InputError: The file is damaged there.
        """
        source, frame = self.shown.source, self.shown.frame
        place = Window(frame.col_off + window.col_off, frame.row_off + window.row_off, window.width, window.height)
        valid, wanted = source.find_valid(place), source.find_wanted(place)
        return valid if wanted is None else valid & wanted


@contextmanager
def open_scene(path: str, request: LooksAtImage, cards: Sequence[Card], report: Report) -> Iterator[Scene]:
    """Open a raster for networks.

    Args:
        path: Anything that GDAL opens.
        request: Which bands, which area, which pixel size.
        cards: What the networks were trained on; the first says at which pixel size the raster is seen.
        report: Is warned of what looks odd.

    Raises:
        InputError: The raster or the area cannot be read, they do not overlap, or the raster's pixels are of quite
            another size than the model's.
        ModelError: The raster does not have the bands of a network.
        RequestError: Bands are asked for that it does not have.
    """
    with open_raster(path) as dataset:
        numbers = match_bands(dataset, cards, request.bands, report)
        _warn_of_values(dataset, numbers, cards, report)
        bands = tuple(dict.fromkeys(number for one in numbers for number in one))
        channels = tuple(
            Channels(tuple(map(bands.index, one)), Scaling(card.bands))
            for one, card in zip(numbers, cards, strict=True)
        )
        steps = _find_steps(Grid.of(dataset), request, cards, report)
        wish = _read_wish(request, path, report)
        scene = Scene(*_look(dataset, bands, request, steps, wish), channels, len(cards[0].classes))
        warn_of_other_models(scene.grid, cards, report)
        yield scene


def _warn_of_values(
    dataset: DatasetReader, numbers: Sequence[tuple[int, ...]], cards: Sequence[Card], report: Report
) -> None:
    looked_at = set()
    for bands, card in zip(numbers, cards, strict=True):
        if (bands, card.bands) not in looked_at:
            warn_of_odd_values(dataset, bands, card, report)
        looked_at.add((bands, card.bands))


def _read_wish(request: LooksAtImage, path: str, report: Report) -> Wish | None:
    if not (request.extent or request.area):
        return None
    from .area import Wish  # late: shapely, scipy, pyogrio and pyproj are for areas only

    return Wish(request, path, report)


def _find_steps(grid: Grid, request: LooksAtImage, cards: Sequence[Card], report: Report) -> tuple[float, float] | None:
    """Return how many pixels of a raster lie along one that is seen; None where it is seen as it is."""
    sizes = compare_pixel_sizes(grid, cards[0], report)
    if sizes is None:
        return None
    if request.pixel_size != OF_MODEL or sizes.alike:
        warn_of_odd_pixel_size(sizes, report)
        return None
    tell_of_resampling(sizes, grid, scale_grid(grid, sizes.steps), report)
    return sizes.steps


def _look(
    dataset: DatasetReader,
    bands: tuple[int, ...],
    request: LooksAtImage,
    steps: tuple[float, float] | None,
    wish: Wish | None,
) -> tuple[Sight, Sight]:
    """Return how a raster is seen, and how results show it."""
    own = Grid.of(dataset)
    if steps is None:
        part = _find_part(wish, own)
        sight = Sight(RasterSource(dataset, bands, part), own, part.frame)
        return sight, sight
    grid, raw = scale_grid(own, steps), RasterSource(dataset, bands, Part.whole(own))

    def scaled(part: Part) -> Sight:
        source = ScaledSource(raw, dataset.shape, steps, part, blended=not holds_classes(dataset))
        return Sight(source, grid, part.frame)

    if request.result_grid == OF_MODEL:
        sight = scaled(_find_part(wish, grid))
        return sight, sight
    part = _find_part(wish, own)
    around = Part.whole(grid) if wish is None else wish.find_around(part, grid, steps)
    return scaled(around), Sight(RasterSource(dataset, bands, part), own, part.frame)


def _find_part(wish: Wish | None, grid: Grid) -> Part:
    return Part.whole(grid) if wish is None else wish.find_part(grid)
