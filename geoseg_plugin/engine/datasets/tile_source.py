"""The pixels of tiles, and who gives them where a dataset has no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .checking.facts import TileFacts
    from .checking.pairs import Pair
    from .dataset import Dataset, Tile
    from .placed import PlacedTiles


@dataclass(frozen=True)
class TilePixels:
    """One tile: image (C, H, W), where it has data (H, W), and class values (H, W), None without labels."""

    image: NDArray[Any]
    valid: NDArray[np.bool_]
    label: NDArray[Any] | None


class TileSource(Protocol):
    """Gives what would be in the files of a dataset that has none; may be used from several threads."""

    @property
    def name(self) -> str:
        """What the tiles are read from, in words."""

    def read(self, tile: Tile) -> TilePixels:
        """Return the pixels of a tile, as its files would have them."""

    def place(self, dataset: Dataset) -> PlacedTiles:
        """Return what tiles.gpkg would tell."""

    def look_at(self, pair: Pair) -> TileFacts:
        """Return what a tile is like."""

    def label_values(self, pair: Pair) -> set[float]:
        """Return the class values that a tile shows."""
