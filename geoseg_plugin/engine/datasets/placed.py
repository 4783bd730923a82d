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
from .ground import Ground, number_planes

_SAME_PLACE_WITHIN = 1e-6


@dataclass(frozen=True)
class PlacedTiles:
    """The tiles of a dataset (N), in its order, on the ground.

    Attributes:
        dataset: The dataset.
        polygons: Footprints (N,) in `crs`.
        planes: For each a number (N,) as `number_planes` gives it.
        rows: Offsets on the grid that the scene was cut on, in pixels (N,); -1 where the layer does not tell.
        cols: The same for columns (N,).
        sizes: Heights and widths in pixels (N, 2).
        crs: CRS of the layer, None without.
    """

    dataset: Dataset
    polygons: NDArray[Any]
    planes: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    sizes: NDArray[np.int64]
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

    def ground(self, gap: float = 0.0) -> Ground:
        """Return the tiles in pixels of the dataset, planes at least `gap` pixels apart."""
        return Ground.of(self.polygons, self.planes, self.sizes, pixel_size=self.dataset.pixel_size, gap=gap)


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
    sizes = np.column_stack([_whole_numbers(found.get(name), len(polygons)) for name in ("height", "width")])
    sizes[sizes <= 0] = dataset.tile_size
    crs = read_crs(meta["crs"]) if meta["crs"] else None
    scenes = np.array([tile.scene for tile in dataset.tiles], dtype=object)
    planes = number_planes(scenes, _are_placed(polygons, rows, cols, crs))
    return PlacedTiles(dataset, polygons, planes, rows, cols, sizes, crs)


def _are_placed(
    polygons: NDArray[Any], rows: NDArray[np.int64], cols: NDArray[np.int64], crs: CRS | None
) -> NDArray[np.bool_]:
    """Tell of which tiles (N,) the coordinates are more than their offsets in pixels."""
    if crs is not None:
        return np.ones(len(polygons), dtype=np.bool_)
    offsets = shapely.bounds(polygons)[:, :2] - np.column_stack([cols, rows])
    return np.asarray(np.abs(offsets).max(axis=1) > _SAME_PLACE_WITHIN)


def _whole_numbers(values: NDArray[Any] | None, count: int) -> NDArray[np.int64]:
    if values is None or values.dtype.kind not in "iuf":
        return np.full(count, -1, dtype=np.int64)
    return np.asarray(np.nan_to_num(values.astype(np.float64), nan=-1), dtype=np.int64)
