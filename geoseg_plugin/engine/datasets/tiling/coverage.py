"""The layout of MakeTiles that sets a tile around the middle of every feature of a layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report
from ...grid import Grid
from ...vector import Features, read_features, reproject
from .positions import squares


def read_coverage(source: str, report: Report) -> Features:
    """Read a layer of features around which, or on which, tiles are to lie.

    Raises:
        InputError: It cannot be read, or has no features.
    """
    features = read_features(source)
    kept = ~(shapely.is_missing(features.geometries) | shapely.is_empty(features.geometries))
    if not kept.any():
        raise InputError(f"The layer {source} has no features with a geometry.", "Choose another COVERAGE layer.")
    if not kept.all():
        report.warn(f"{int((~kept).sum())} of {len(kept)} features of {source} have no geometry and are left out.")
    return Features(features.source, features.name, features.crs, features.geometries[kept], {})


def places_around(features: Features, grids: Sequence[Grid], size: int, report: Report) -> list[NDArray[np.int64]]:
    """Return for every grid the tiles around the centres of mass of those features that have it on the grid.

    Args:
        features: The features.
        grids: The grids of the images.
        size: Side of the tiles in pixels; their middle is the pixel that holds the centre.
        report: Hears how many features have their centre on no image.

    Returns:
        Places (N, 4) for every grid, in the order of the layer, each once; they may reach over the edge.

    Raises:
        InputError: No feature lies on any grid, or a CRS is missing on one side.
    """
    centres = shapely.centroid(features.geometries)
    used = np.zeros(len(centres), dtype=np.bool_)
    places = []
    for grid in grids:
        if (grid.crs is None) != (features.crs is None):
            without = "The images have" if grid.crs is None else f"The layer {features.source} has"
            raise InputError(f"{without} no CRS, unlike the other side.", "Give both their CRS first.")
        pixels = pixels_of(centres, features, grid)
        inside = ((pixels >= 0) & (pixels < [grid.height, grid.width])).all(axis=1)
        used |= inside
        corners = np.floor(pixels[inside]).astype(np.int64) - size // 2
        places.append(squares(corners[np.sort(np.unique(corners, axis=0, return_index=True)[1])], size))
    if not used.any():
        bounds = ", ".join(f"{side:.8g}" for side in shapely.total_bounds(features.geometries))
        raise InputError(
            f"No feature of {features.source}, which covers {bounds}, has its centre on an image; the first image is "
            f"{grids[0].describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )
    if not used.all():
        report.note(f"{int((~used).sum())} of {len(used)} features of {features.source} have their centre on no image.")
    return places


def pixels_of(points: NDArray[np.object_], features: Features, grid: Grid) -> NDArray[np.float64]:
    """Return rows and columns (N, 2) of points of a layer on a grid, NaN where they have no place in its CRS."""
    xy = shapely.get_coordinates(reproject(points, features.crs, grid.crs))
    xy[~np.isfinite(xy)] = np.nan
    cols, rows = ~grid.transform @ (xy[:, 0], xy[:, 1])
    return np.column_stack([rows, cols])
