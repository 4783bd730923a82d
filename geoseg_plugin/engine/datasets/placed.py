"""Where the tiles of a dataset lie on the ground, as its layer tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.errors import InputError
from ..grid import read_crs
from .dataset import FOOTPRINTS, FOOTPRINTS_LAYER, MAKE_AGAIN, Dataset
from .footprints import outlines_of
from .ground import Ground, number_planes
from .layer import read_table
from .tile_table import TileTable

_SAME_PLACE_WITHIN = 1e-6


@dataclass(frozen=True)
class PlacedTiles:
    """The tiles of a dataset (N), in its order, on the ground.

    Attributes:
        dataset: The dataset.
        polygons: Footprints (N,) in `crs`.
        planes: For each a number (N,) as `number_planes` gives it.
        crs: CRS of the layer, None without.
        fields: Fields of the layer (N,).
    """

    dataset: Dataset
    polygons: NDArray[Any]
    planes: NDArray[np.int64]
    crs: CRS | None
    fields: Mapping[str, NDArray[Any]]

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

    @property
    def rows(self) -> NDArray[np.int64]:
        """Offsets on the grid that the scene was cut on, in pixels (N,); -1 where the layer does not tell."""
        return _whole_numbers(self.fields, "row", len(self.polygons))

    @property
    def cols(self) -> NDArray[np.int64]:
        """The same for columns (N,)."""
        return _whole_numbers(self.fields, "col", len(self.polygons))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Heights and widths in pixels (N, 2)."""
        sizes = np.column_stack([_whole_numbers(self.fields, name, len(self.polygons)) for name in ("height", "width")])
        return np.where(sizes > 0, sizes, self.dataset.tile_size)

    def ground(self, gap: float = 0.0) -> Ground:
        """Return the tiles in pixels of the dataset, planes at least `gap` pixels apart."""
        # Footprints that users have drawn with holes or of several parts count with all that lies between.
        is_simple = (shapely.get_type_id(self.polygons) == shapely.GeometryType.POLYGON) & (
            shapely.get_num_interior_rings(self.polygons) == 0
        )
        polygons = np.where(is_simple, self.polygons, shapely.convex_hull(self.polygons))
        return Ground.of(outlines_of(polygons), self.planes, self.sizes, pixel_size=self.dataset.pixel_size, gap=gap)

    def table(self) -> TileTable:
        """Return all that the layer knows of the tiles.

        Raises:
            InputError: It lacks a field, for it may have been edited.
        """
        dataset = self.dataset
        try:
            return read_table(self.fields, dataset.classes, len(dataset.bands), dataset.tile_size)
        except KeyError as error:
            raise InputError(f"{dataset.folder / FOOTPRINTS} lacks the field {error}.", MAKE_AGAIN) from error


def place_tiles(dataset: Dataset) -> PlacedTiles:
    """Read the footprints of a dataset, and all that its layer tells, or would tell if it had one.

    Raises:
        InputError: The layer cannot be read, has changed since the dataset was opened, or a tile has no footprint.
    """
    if dataset.source is not None:
        return dataset.source.place(dataset)
    path = dataset.folder / FOOTPRINTS
    try:
        meta, _, wkb, read = pyogrio.raw.read(path, layer=FOOTPRINTS_LAYER, force_2d=True)
        polygons = shapely.from_wkb(wkb)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.GEOSException) as error:
        raise InputError(f"{path} cannot be read: {error}.", MAKE_AGAIN) from error
    found = dict(zip(meta["fields"], read, strict=True))
    if list(map(str, found["tile"])) != [tile.id for tile in dataset.tiles]:
        raise InputError(f"{path} was changed while it was read.", "Save the layer and start again.")
    missing = np.flatnonzero(shapely.is_missing(polygons) | shapely.is_empty(polygons))
    if len(missing):
        raise InputError(
            f"Tile {dataset.tiles[missing[0]].id} has no footprint in {path}.", "Delete it from the layer, or draw it."
        )
    crs = read_crs(meta["crs"]) if meta["crs"] else None
    scenes = np.array([tile.scene for tile in dataset.tiles], dtype=object)
    return PlacedTiles(dataset, polygons, number_planes(scenes, _are_placed(polygons, found, crs)), crs, found)


def _are_placed(polygons: NDArray[Any], fields: Mapping[str, NDArray[Any]], crs: CRS | None) -> NDArray[np.bool_]:
    """Tell of which tiles (N,) the coordinates are more than their offsets in pixels."""
    if crs is not None:
        return np.ones(len(polygons), dtype=np.bool_)
    offsets = np.column_stack([_whole_numbers(fields, name, len(polygons)) for name in ("col", "row")])
    return np.asarray(np.abs(shapely.bounds(polygons)[:, :2] - offsets).max(axis=1) > _SAME_PLACE_WITHIN)


def _whole_numbers(fields: Mapping[str, NDArray[Any]], name: str, count: int) -> NDArray[np.int64]:
    """Return the numbers of a field (N,), -1 where it has none."""
    values = fields.get(name)
    if values is None or values.dtype.kind not in "iuf":
        return np.full(count, -1, dtype=np.int64)
    return np.asarray(np.nan_to_num(values.astype(np.float64), nan=-1), dtype=np.int64)
