"""tiles.gpkg: the footprints of the tiles with their split and statistics, a layer to look at and to edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.classes import ClassTable
from ..style import write_split_style
from ..vector import write_features
from .dataset import FOOTPRINTS, FOOTPRINTS_LAYER
from .footprints import Footprints
from .tile_table import TileTable

_FEATURES_AT_ONCE = 20_000
_DATE = "2000-01-01T00:00:00.000Z"  # stands in the layer as that of its last change
_PLAIN = {"tile": "ids", "scene": "scenes", "split": "splits", "row": "rows", "col": "cols"}
_SIZES = {"height": "heights", "width": "widths"}
_STATISTICS = {"min": "minimum", "max": "maximum", "mean": "mean", "std": "std"}


def write_footprints(
    folder: Path, tiles: TileTable, polygons: NDArray[Any] | Footprints, crs: CRS | None, classes: ClassTable
) -> None:
    """Write tiles.gpkg and its style into the folder.

    Its fields are those of `footprint_columns`.

    Args:
        folder: The dataset.
        tiles: The tiles.
        polygons: Their footprints (N,) in `crs`.
        crs: CRS of the layer, None without.
        classes: The classes of the labels.
    """
    path = folder / FOOTPRINTS
    columns = footprint_columns(tiles, classes)
    write_in_parts(path, polygons, columns, crs, layer=FOOTPRINTS_LAYER)
    write_split_style(path)


def write_in_parts(
    path: Path,
    polygons: NDArray[Any] | Footprints,
    columns: dict[str, NDArray[Any]],
    crs: CRS | None,
    *,
    layer: str,
) -> None:
    """Write a layer of many polygons, some at a time so that memory stays small; equal ones become equal files."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _DATE})
    try:
        for start in range(0, max(1, len(polygons)), _FEATURES_AT_ONCE):
            part = slice(start, start + _FEATURES_AT_ONCE)
            some = {name: column[part] for name, column in columns.items()}
            write_features(path, polygons[part], some, crs, geometry_type="Polygon", layer=layer, append=start > 0)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def footprint_columns(tiles: TileTable, classes: ClassTable) -> dict[str, NDArray[Any]]:
    """Return the fields of tiles.gpkg.

    They are tile, scene, split, row and col (offset in the scene, pixels), height and width (pixels), nodata_share (0
    to 1), class_V (pixels of the class with value V), and min_B, max_B, mean_B, std_B (of the pixels with data of band
    B, counted from 1).
    """
    columns: dict[str, NDArray[Any]] = {name: getattr(tiles, attribute) for name, attribute in _PLAIN.items()}
    columns |= {name: getattr(tiles, attribute) for name, attribute in _SIZES.items()}
    columns["nodata_share"] = tiles.nodata_share
    columns |= {f"class_{value}": tiles.counts[:, index] for index, value in enumerate(classes.values)}
    for name, attribute in _STATISTICS.items():
        values = getattr(tiles, attribute)
        columns |= {f"{name}_{band + 1}": values[:, band] for band in range(values.shape[1])}
    return columns


def read_table(fields: Mapping[str, NDArray[Any]], classes: ClassTable, bands: int, tile_size: int) -> TileTable:
    """Return the tiles (N) that the fields of tiles.gpkg describe.

    Args:
        fields: The fields (N,) as `footprint_columns` made them, or as a user has edited them.
        classes: The classes of the dataset.
        bands: Its number of bands.
        tile_size: Side of tiles for which the layer states no size, in pixels.

    Raises:
        KeyError: A field is missing.
    """
    count = len(fields["tile"])
    sizes: dict[str, NDArray[Any]] = {
        attribute: np.asarray(fields.get(name, np.full(count, tile_size)), dtype=np.int64)
        for name, attribute in _SIZES.items()
    }
    pixels = sizes["heights"] * sizes["widths"]
    classed = [fields[f"class_{value}"] for value in classes.values]
    counts = np.stack(classed, axis=1).astype(np.int64) if classed else np.zeros((count, 0), dtype=np.int64)
    statistics: dict[str, NDArray[Any]] = {
        attribute: np.stack([fields[f"{name}_{band}"] for band in range(1, bands + 1)], axis=1).astype(np.float64)
        for name, attribute in _STATISTICS.items()
    }
    return TileTable(
        **{attribute: fields[name] for name, attribute in _PLAIN.items()}, **sizes, **statistics, counts=counts,
        valid=np.round((1 - fields["nodata_share"]) * pixels).astype(np.int64),
    )  # fmt: skip
