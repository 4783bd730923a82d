"""What is known of the tiles of a dataset, a column each: memory stays small however many there are."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..moments import Moments


@dataclass(frozen=True)
class TileTable:
    """N tiles of C bands and K classes.

    Attributes:
        ids: Names of their files without suffix (N,), texts.
        scenes: Names of their scenes (N,), texts.
        splits: "train", "validation", "test" or "unused" (N,), texts.
        rows: Offsets in the scene's grid, in pixels (N,).
        cols: Offsets in the scene's grid, in pixels (N,).
        heights: Sizes in pixels (N,).
        widths: Sizes in pixels (N,).
        valid: Number of pixels with image data (N,).
        counts: Pixels of each class (N, K), in the order of the class table.
        minimum: Smallest value of the pixels with data (N, C), NaN without any.
        maximum: Largest value (N, C).
        mean: Mean (N, C).
        std: Standard deviation of the whole population (N, C).
    """

    ids: NDArray[np.object_]
    scenes: NDArray[np.object_]
    splits: NDArray[np.object_]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    valid: NDArray[np.int64]
    counts: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Number of pixels of each tile (N,)."""
        return self.heights * self.widths

    @property
    def nodata_share(self) -> NDArray[np.float64]:
        """Share of pixels without image data (N,), 0 to 1."""
        return np.asarray(1 - self.valid / self.pixels)

    @property
    def to_skip(self) -> NDArray[np.bool_]:
        """Whether a tile has no data, or one value only in every band (N,)."""
        return np.asarray((self.valid == 0) | (self.minimum == self.maximum).all(axis=1))

    def take(self, chosen: NDArray[Any]) -> TileTable:
        """Return some of the tiles, by a mask (N,) or by indices."""
        return TileTable(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def with_splits(self, splits: NDArray[np.object_]) -> TileTable:
        """Return the same tiles with other splits (N,)."""
        return replace(self, splits=splits)

    def moments(self, chosen: NDArray[np.bool_] | None = None) -> Moments:
        """Return the statistics of all pixels with data together, of all tiles or of those chosen by a mask (N,).

        At least one of them must have some.
        """
        known = self.valid > 0 if chosen is None else chosen & (self.valid > 0)
        squares = self.std[known] ** 2 * self.valid[known, None]
        return Moments.joined(self.valid[known], self.mean[known], squares, self.minimum[known], self.maximum[known])
