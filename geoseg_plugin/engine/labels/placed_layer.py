"""A label layer in the CRS of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...contract.errors import InputError
from ...contract.events import Report
from ..grid import Grid
from ..vector import Features, reproject
from .layer import LabelLayer
from .shapes import find_finite, take_apart

_MARGIN_PX = 2  # a feature so far from a grid touches none of its pixels


class PlacedLayer:
    """The features of a label layer in one CRS, whose parts near a grid are quickly found.

    Attributes:
        shapes: The single parts (N,) of all features, in the order in which they are drawn.
        features: Position in the layer of the feature that each is a part of (N,).

    Args:
        layer: The labels.
        crs: The CRS of images, None where they have none.
        image: Where one of them lies, for messages.
        report: Hears what was left out.

    Raises:
        InputError: A CRS is missing on one side, or a layer has no place in this one.
    """

    def __init__(self, layer: LabelLayer, crs: CRS | None, image: str, report: Report) -> None:
        placed = np.concatenate([_place(features, crs, image, report) for features in layer.layers])
        drawn = layer.order[~shapely.is_missing(placed[layer.order])]
        self.shapes, owners = take_apart(placed[drawn])
        self.features: NDArray[np.int64] = drawn[owners]
        self._tree = shapely.STRtree(self.shapes)

    def find_near(self, grid: Grid) -> NDArray[np.int64]:
        """Return which parts may touch a grid, ascending."""
        left, top, right, bottom = -_MARGIN_PX, -_MARGIN_PX, grid.width + _MARGIN_PX, grid.height + _MARGIN_PX
        corners = [grid.transform @ corner for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
        return np.sort(self._tree.query(shapely.Polygon(corners)))


def _place(features: Features, crs: CRS | None, image: str, report: Report) -> NDArray[Any]:
    """Return the geometries (N,) of a layer in another CRS, None where they have no place in it."""
    _check_crs(features, crs, image, report)
    shapes = reproject(features.geometries, features.crs, crs)
    finite = find_finite(shapes)
    if not finite.any():
        raise InputError(
            f"{features.source}, in {features.crs}, has no place in the CRS of {image}, {crs}.",
            "One of them probably states a wrong CRS, or they are of different parts of the world.",
        )
    if not finite.all():
        report.warn(f"{int((~finite).sum())} features lie beyond the CRS of {image} and are left out.")
    placed = shapes.copy()
    placed[~finite] = None
    return placed


def _check_crs(features: Features, crs: CRS | None, image: str, report: Report) -> None:
    if features.crs is None and crs is None:
        report.warn(f"Neither {features.source} nor {image} has a CRS: they are taken to lie in the same plane.")
    elif features.crs is None:
        raise InputError(
            f"The layer {features.source} has no CRS, but {image} has one.",
            "Give the layer its CRS (in QGIS: right-click, Layer CRS, Set; then save it as a new file).",
        )
    elif crs is None:
        raise InputError(
            f"The raster {image} has no CRS, but {features.source} has one.", "Give the raster its CRS first."
        )
