"""tiles.gpkg: the footprints of the tiles with their split and statistics, a layer to look at and to edit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.classes import ClassTable
from ..style import write_split_style
from ..vector import write_features
from .cutting import CutTile
from .dataset import FOOTPRINTS, FOOTPRINTS_LAYER


def write_footprints(
    folder: Path, tiles: Sequence[CutTile], splits: Sequence[str], *, polygons: NDArray[Any], crs: CRS | None,
    classes: ClassTable,
) -> None:  # fmt: skip
    """Write tiles.gpkg and its style into the folder.

    Its fields: tile, scene, split, row and col (offset in the scene, pixels), nodata_share (0 to 1), class_V (pixels
    of the class with value V), and min_B, max_B, mean_B, std_B (of the valid pixels of band B, counted from 1).
    """
    columns: dict[str, NDArray[Any]] = {
        "tile": np.array([tile.id for tile in tiles], dtype=object),
        "scene": np.array([tile.scene for tile in tiles], dtype=object),
        "split": np.array(splits, dtype=object),
        "row": np.array([tile.row for tile in tiles], dtype=np.int64),
        "col": np.array([tile.col for tile in tiles], dtype=np.int64),
        "nodata_share": np.array([tile.nodata_share for tile in tiles]),
    }
    counts = np.stack([tile.counts for tile in tiles])
    columns |= {f"class_{value}": counts[:, index] for index, value in enumerate(classes.values)}
    for name, values in (
        ("min", [tile.moments.minimum for tile in tiles]),
        ("max", [tile.moments.maximum for tile in tiles]),
        ("mean", [tile.moments.mean for tile in tiles]),
        ("std", [tile.moments.std for tile in tiles]),
    ):
        columns |= {f"{name}_{band}": column for band, column in enumerate(np.stack(values).T, start=1)}
    path = folder / FOOTPRINTS
    write_features(path, polygons, columns, crs, geometry_type="Polygon", layer=FOOTPRINTS_LAYER)
    write_split_style(path)
