"""Drawing a split of tiles by blocks of ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.events import Report
from ..dataset import Split
from ..tile_table import TileTable


def split_on_ground(
    tiles: TileTable,
    polygons: NDArray[Any],
    planes: NDArray[np.int64],
    pixel_size: tuple[float, float],
    *,
    shares: Mapping[Split, float],
    tile_size: int,
    block_size: int = 0,
    buffer: float = 0.0,
    stratify: bool = True,
    seed: int,
    report: Report,
) -> NDArray[np.object_]:
    """Draw which tiles are for which set, as whole blocks of ground, so that no two sets share ground.

    Scenes that share ground (several dates of one place) share their blocks.

    Args:
        tiles: The tiles (N).
        polygons: Their footprints (N,), all in one CRS.
        planes: For each a number (N,); what lies in different planes shares no ground (scenes without georeference).
        pixel_size: Width and height of a pixel in units of that CRS.
        shares: Share of tiles wanted for validation and test, in percent, each 0 or more.
        tile_size: Side of a tile in pixels.
        block_size: Side of the blocks in pixels; 0 chooses.
        buffer: Least distance between tiles of different sets, in pixels.
        stratify: Whether draws are judged by how alike the sets are in their class shares.
        seed: Another number draws another split.
        report: Hears how many blocks there are and how many tiles are left unused.

    Returns:
        (N,) the split of every tile: train, validation, test, or unused where it shares ground with another set.

    Raises:
        InputError: No draw leaves tiles in all sets wanted.
    """
    raise NotImplementedError
