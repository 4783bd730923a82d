"""Splits by where tiles lie: within a rectangle, the boxes of a table, or the polygons of a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.fields import Extent
from ....contract.stages.dataset_split import SplitDataset
from ...grid import Grid, read_crs
from ...imagery.cutout import Outline
from ...imagery.paths import name_some
from ...vector import read_features, reproject
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION, Split
from ..footprints import outline_tiles
from ..ground import inset
from ..placed import PlacedTiles
from .boxes import Box, is_meant, read_boxes

_SETS = (TRAIN, VALIDATION, TEST)


def split_by_extent(request: SplitDataset, placed: PlacedTiles) -> NDArray[np.object_]:
    """Return the splits (N,): validation within BOX, unused where a tile only touches it.

    Raises:
        InputError: BOX or the dataset has no CRS, or scenes without georeference, or no tile lies within BOX.
    """
    if placed.planes.any():
        raise InputError(
            "BOX is given, but the dataset has scenes without georeference.", "Give BOXES, in pixels of the images."
        )
    outline = Outline.of_extent(Extent.parse(str(request.box)), placed.crs)
    if (outline.crs is None) != (placed.crs is None):
        raise InputError("BOX has a CRS, but the dataset has none.", "Give BOX without CRS.")
    area = reproject(np.array([shapely.Polygon(outline.points)], dtype=object), outline.crs, placed.crs)[0]
    if not np.isfinite(shapely.get_coordinates(area)).all():
        raise InputError(f"BOX has no place in the CRS of the dataset, {placed.crs}.", "Give a smaller rectangle.")
    splits = place_in({VALIDATION: shapely.make_valid(area)}, placed.polygons, placed.sizes)
    if not (splits == VALIDATION).any():
        bounds = ", ".join(f"{side:.8g}" for side in shapely.total_bounds(placed.polygons))
        raise InputError(
            f"No tile lies wholly within BOX ({request.box}); the tiles cover {bounds} (left, bottom, right, top).",
            "Give a larger rectangle on the tiles.",
        )
    return splits


def split_by_boxes(request: SplitDataset, placed: PlacedTiles, report: Report) -> NDArray[np.object_]:
    """Return the splits (N,): validation within the boxes of their scenes, unused where a tile only touches one.

    Raises:
        InputError: The table cannot be read, names no scene of the dataset, or no tile lies within a box.
    """
    grids = _scene_grids(placed)
    areas: dict[str, list[Any]] = {}
    unknown = []
    for box in read_boxes(str(request.boxes)):
        names = [name for name, (path, _) in grids.items() if is_meant(box.image, name, path)]
        unknown += [] if names else [box.image]
        for name in names:
            areas.setdefault(name, []).append(_outline(box, grids[name][1], placed.crs))
    splits, scenes = np.full(len(placed.ids), TRAIN, dtype=object), placed.scenes
    for name, some in areas.items():
        mine = scenes == name
        splits[mine] = place_in({VALIDATION: shapely.union_all(some)}, placed.polygons[mine], placed.sizes[mine])
    if unknown:
        report.warn(f"{request.boxes} names images that the dataset does not have: {name_some(unknown)}.")
    if not (splits == VALIDATION).any():
        cause = "no tile lies wholly within a box" if areas else "it names no scene of the dataset"
        raise InputError(
            f"{request.boxes} sets no tile aside: {cause}.",
            f"The scenes are {name_some(sorted(set(scenes)))}; boxes are rows (ymin, ymax) and columns (xmin, xmax).",
        )
    return splits


def split_by_layer(request: SplitDataset, placed: PlacedTiles) -> NDArray[np.object_]:
    """Return the splits (N,) that the polygons of LAYER give: unused where a tile lies only partly in them.

    Elsewhere tiles train, unless LAYER has polygons for training, outside which tiles are unused.

    Raises:
        InputError: The layer cannot be read, has no CRS, holds other values, or no tile lies within a polygon.
    """
    features = read_features(str(request.layer), [request.layer_field] if request.layer_field else [])
    if (features.crs is None) != (placed.crs is None):
        without = features.source if features.crs is None else "The dataset"
        raise InputError(f"{without} has no CRS, but the other has one.", "Give it its CRS first.")
    areas = reproject(features.geometries, features.crs, placed.crs)
    known = ~(shapely.is_missing(areas) | shapely.is_empty(areas))
    areas = shapely.make_valid(areas[known])
    names: list[Any] = [VALIDATION] * int(known.sum())
    if request.layer_field:
        names = [str(value).strip().lower() for value in features.columns[request.layer_field][known]]
        strange = sorted(set(names) - {*_SETS})
        if strange:
            raise InputError(
                f"The field {request.layer_field} of {features.source} holds {name_some(strange)}.",
                f"Write {', '.join(_SETS)} only.",
            )
    regions = {name: shapely.union_all(areas[np.array(names) == name]) for name in _SETS if name in names}
    splits = place_in(regions, placed.polygons, placed.sizes)
    if not np.isin(splits, list(regions)).any() or not {*regions} <= set(splits):
        lacking = ", ".join(name for name in regions if name not in set(splits)) or "any set"
        raise InputError(
            f"No tile lies wholly within the polygons of {features.source} for {lacking}.",
            "Draw larger polygons, and check their place and CRS.",
        )
    return splits


def place_in(regions: Mapping[Split, Any], polygons: NDArray[Any], sizes: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the splits (N,) of tiles by the regions of sets: that within which they lie wholly.

    Tiles partly in a region are unused; those in none train unless there is a region for training.
    """
    tiles = inset(polygons, sizes)
    splits = np.full(len(tiles), UNUSED if TRAIN in regions else TRAIN, dtype=object)
    touched = {name: shapely.intersects(area, tiles) for name, area in regions.items()}
    several = np.sum(list(touched.values()), axis=0) > 1
    for name, area in regions.items():
        splits[touched[name]] = UNUSED
        splits[shapely.contains(area, tiles) & ~several] = name
    splits[several] = UNUSED
    return splits


def _scene_grids(placed: PlacedTiles) -> dict[str, tuple[str, Grid]]:
    """Return path and grid of every scene, as dataset.json tells them."""
    try:
        return {str(name): (path, grid) for name, path, grid in _recorded(placed.dataset.made)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The dataset {placed.dataset.folder} does not say from which images its tiles are.",
            "Give BOX or LAYER, or make the dataset again with 'Make training tiles'.",
        ) from error


def _recorded(made: Mapping[str, Any]) -> Iterator[tuple[str, str, Grid]]:
    for one in made["scenes"]:
        grid = one["grid"]
        crs = read_crs(grid["crs"]) if grid["crs"] else None
        yield one["name"], one["path"], Grid(crs, Affine(*grid["transform"]), grid["height"], grid["width"])


def _outline(box: Box, grid: Grid, crs: CRS | None) -> Any:
    place = np.array([[box.ymin, box.xmin, box.ymax - box.ymin, box.xmax - box.xmin]])
    return shapely.make_valid(shapely.Polygon(outline_tiles(grid, place, crs)[0]))
