"""A sheet: the tiles to be cut from one scene, on the one pixel grid that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ...grid import Grid
from .scenes import Scene


@dataclass(frozen=True)
class PlaceNames(Sequence[str]):
    """Names of tiles by their scene and upper left pixel, made when they are asked for: there may be very many.

    Attributes:
        scene: Name of the scene.
        places: Row, column, height and width of every tile (N, 4).
    """

    scene: str
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> PlaceNames: ...

    def __getitem__(self, number: int | slice) -> str | PlaceNames:
        """Return the name of a tile, or those of some."""
        if isinstance(number, slice):
            return PlaceNames(self.scene, self.places[number])
        row, col = self.places[number, :2].tolist()
        return f"{self.scene}_{row:06d}_{col:06d}"


@dataclass(frozen=True)
class Sheet:
    """N tiles of one scene.

    Attributes:
        scene: The scene.
        grid: The grid on which the tiles lie: the scene's own, or one that the scene is resampled to.
        names: File names of the tiles without suffix (N), unique in the dataset.
        places: Row, column, height and width of every tile on `grid` in pixels (N, 4), int64; a tile may reach over
            the edge of the grid.
        splits: The splits that an earlier dataset gave them (N,), None where they are still to be drawn.
        wanted: How many of the tiles, which are then tried in their order, make the sheet full; None for all.
    """

    scene: Scene
    grid: Grid
    names: Sequence[str]
    places: NDArray[np.int64]
    splits: NDArray[np.object_] | None = None
    wanted: int | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def is_resampled(self) -> bool:
        """Whether the grid is another one than the scene's own."""
        return not self.grid.is_same(self.scene.grid)


class SheetImage(Protocol):
    """Gives the pixels of a sheet's scene on the sheet's grid; not to be used from several threads at once."""

    @property
    def nodata(self) -> float | None:
        """The value that pixels which are not known have, None where nothing in them says so."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (C, H, W) of the chosen bands and where they are known (H, W), for a window inside the grid."""


class Truth(Protocol):
    """Gives the labels of a sheet's scene on the sheet's grid; not to be used from several threads at once."""

    def read(self, window: Window) -> NDArray[Any]:
        """Return class values (H, W) of a window inside the grid, the ignore value where nothing is known."""
