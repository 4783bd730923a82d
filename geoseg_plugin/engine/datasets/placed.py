"""Where the tiles of a dataset lie on the ground, as its layer tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.errors import InputError
from ..grid import read_crs
from .dataset import FOOTPRINTS, FOOTPRINTS_LAYER, Dataset

_SAME_PLACE_WITHIN = 1e-6


@dataclass(frozen=True)
class PlacedTiles:
    """The tiles of a dataset (N), in its order, on the ground.

    Attributes:
        dataset: The dataset.
        polygons: Footprints (N,) in `crs`.
        planes: For each a number (N,); what lies in different planes shares no ground: 0 for all, but one each for
            scenes without any georeference.
        rows: Offsets on the grid that the scene was cut on, in pixels (N,); -1 where the layer does not tell.
        cols: The same for columns (N,).
        crs: CRS of the layer, None without.
    """

    dataset: Dataset
    polygons: NDArray[Any]
    planes: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    crs: CRS | None

    @property
    def ids(self) -> NDArray[np.object_]:
        """Names of the tiles (N,)."""
        return np.array([tile.id for tile in self.dataset.tiles], dtype=object)

    @property
    def scenes(self) -> NDArray[np.object_]:
        """Names of their scenes (N,)."""
        return np.array([tile.scene for tile in self.dataset.tiles], dtype=object)

    @property
    def splits(self) -> NDArray[np.object_]:
        """Their splits (N,)."""
        return np.array([tile.split for tile in self.dataset.tiles], dtype=object)


def place_tiles(dataset: Dataset) -> PlacedTiles:
    """Read the footprints of a dataset.

    Raises:
        InputError: A tile has none.
    """
    path = dataset.folder / FOOTPRINTS
    try:
        meta, _, wkb, read = pyogrio.raw.read(path, layer=FOOTPRINTS_LAYER, force_2d=True)
        polygons = shapely.from_wkb(wkb)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException) as error:
        raise InputError(
            f"{path} cannot be read: {error}.", "Make the dataset again with 'Make training tiles'."
        ) from error
    missing = np.flatnonzero(shapely.is_missing(polygons) | shapely.is_empty(polygons))
    if len(missing):
        raise InputError(
            f"Tile {dataset.tiles[missing[0]].id} has no footprint in {path}.", "Delete it from the layer, or draw it."
        )
    found = dict(zip(meta["fields"], read, strict=True))
    rows, cols = (_whole_numbers(found.get(name), len(polygons)) for name in ("row", "col"))
    crs = read_crs(meta["crs"]) if meta["crs"] else None
    scenes = np.array([tile.scene for tile in dataset.tiles], dtype=object)
    planes = np.zeros(len(polygons), dtype=np.int64) if crs else _number_planes(polygons, scenes, rows, cols)
    return PlacedTiles(dataset, polygons, planes, rows, cols, crs)


def _number_planes(
    polygons: NDArray[Any], scenes: NDArray[np.object_], rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give a plane to each scene whose tiles all have their offsets in pixels as coordinates."""
    names, of_tile = np.unique(scenes.astype(str), return_inverse=True)
    corners = shapely.bounds(polygons)[:, :2]
    placed = np.abs(corners - np.column_stack([cols, rows])).max(axis=1) > _SAME_PLACE_WITHIN
    is_placed = np.bincount(of_tile, placed, minlength=len(names)) > 0
    return np.where(is_placed[of_tile], 0, of_tile + 1)


def _whole_numbers(values: NDArray[Any] | None, count: int) -> NDArray[np.int64]:
    if values is None or values.dtype.kind not in "iuf":
        return np.full(count, -1, dtype=np.int64)
    return np.asarray(np.nan_to_num(values.astype(np.float64), nan=-1), dtype=np.int64)
