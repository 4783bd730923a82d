"""Burning a label layer onto a pixel grid, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window

from ...contract.errors import InputError
from ...contract.events import Report
from ..class_raster import class_dtype
from ..grid import Grid
from ..vector import Features, reproject
from .layer import IGNORED, LabelLayer


class Burner:
    """Burns a label layer onto a grid; the windows of a grid together are what the whole would be.

    All geometries are brought into pixel coordinates of the whole grid once. A window then differs by whole numbers
    only, which floating point subtracts without error.

    Args:
        layer: The labels.
        grid: The grid of the image, also rotated or south-up.
        image: Where the image lies, for messages.
        all_touched: Burn every pixel that a feature touches, not only those whose centre is inside.
        report: Hears what was mended or left out.

    Raises:
        InputError: A CRS is missing on one side, or the layer has no place in the CRS of the grid.
    """

    def __init__(self, layer: LabelLayer, grid: Grid, image: str, *, all_touched: bool, report: Report) -> None:
        self._layer = layer
        self._all_touched = all_touched
        _check_crs(layer.features, grid, image, report)
        codes = np.searchsorted(np.asarray(layer.classes.values), layer.values) + 1
        codes[layer.values == IGNORED] = self._ignore_code
        shapes = reproject(layer.features.geometries, layer.features.crs, grid.crs)
        finite = _finite(shapes)
        if not finite.any():
            raise InputError(
                f"{layer.features.source}, in {layer.features.crs}, has no place in the CRS of {image}, {grid.crs}.",
                "One of them probably states a wrong CRS, or they are of different parts of the world.",
            )
        if not finite.all():
            report.warn(f"{int((~finite).sum())} features lie beyond the CRS of {image} and are left out.")
        self._shapes, owners = _simple(_to_pixels(shapes[finite], grid), np.flatnonzero(finite))
        self._codes = codes[owners]
        self._tree = shapely.STRtree(self._shapes)
        self._grid, self._image = grid, image
        self._area = shapely.box(0, 0, grid.width, grid.height)
        touching = np.unique(owners[self._tree.query(self._area, "intersects")])
        self._warn_of_unknown(layer.values[touching], report)

    @property
    def dtype(self) -> str:
        """Data type of the labels."""
        return class_dtype(self._layer.classes)[0]

    def overlaps(self) -> bool:
        """Tell whether any feature lies on the grid."""
        return len(self._tree.query(self._area)) > 0

    def check_overlap(self) -> None:
        """Raise InputError where no feature lies on the grid."""
        if self.overlaps():
            return
        features = self._layer.features
        west, south, east, north = shapely.total_bounds(reproject(features.geometries, features.crs, self._grid.crs))
        raise InputError(
            f"No feature of {features.source} lies on {self._image}: the layer covers x {west:.8g} to {east:.8g}, "
            f"y {south:.8g} to {north:.8g}; the raster is {self._grid.describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all features in pixels of the grid."""
        left, top, right, bottom = shapely.total_bounds(self._shapes)
        return float(left), float(top), float(right), float(bottom)

    def burn(self, window: Window) -> tuple[NDArray[Any], int]:
        """Return the labels (H, W) of a window that may reach over the edge, and how many of its pixels are covered."""
        offset = Affine.translation(window.col_off, window.row_off)
        height, width = int(window.height), int(window.width)
        corner = (window.col_off, window.row_off, window.col_off + width, window.row_off + height)
        hits = np.sort(self._tree.query(shapely.box(*corner)))
        codes = np.zeros((height, width), dtype=np.int32)
        if len(hits):
            rasterize(
                zip(self._shapes[hits], self._codes[hits].tolist(), strict=True), out=codes, transform=offset,
                all_touched=self._all_touched,
            )  # fmt: skip
        return self._values_of_codes()[codes], int(np.count_nonzero(codes))

    def _warn_of_unknown(self, values: NDArray[np.int64], report: Report) -> None:
        unknown = int((values == IGNORED).sum())
        if unknown:
            report.warn(
                f"{unknown} of {len(values)} features on {self._image} have no value in '{self._layer.field}': their "
                "pixels are ignored."
            )

    @property
    def _ignore_code(self) -> int:
        return len(self._layer.classes) + 1

    def _values_of_codes(self) -> NDArray[Any]:
        dtype, ignore = class_dtype(self._layer.classes)
        background = ignore if self._layer.background is None else self._layer.background
        return np.array([background, *self._layer.classes.values, ignore], dtype=dtype)


def _check_crs(features: Features, grid: Grid, image: str, report: Report) -> None:
    if features.crs is None and grid.crs is None:
        report.warn(f"Neither {features.source} nor {image} has a CRS: they are taken to lie in the same plane.")
    elif features.crs is None:
        raise InputError(
            f"The layer {features.source} has no CRS, but {image} has one.",
            "Give the layer its CRS (in QGIS: right-click, Layer CRS, Set; then save it as a new file).",
        )
    elif grid.crs is None:
        raise InputError(
            f"The raster {image} has no CRS, but {features.source} has one.", "Give the raster its CRS first."
        )


def _to_pixels(shapes: NDArray[Any], grid: Grid) -> NDArray[Any]:
    inverse = ~grid.transform
    matrix = np.array([[inverse.a, inverse.b], [inverse.d, inverse.e]])

    def forward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        # Relative to the corner first: large map coordinates would cost digits.
        relative = points - np.array([grid.transform.c, grid.transform.f])
        return np.asarray(relative @ matrix.T, dtype=np.float64)

    pixels: NDArray[Any] = shapely.transform(shapes, forward)
    return pixels


def _finite(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which shapes (N,) have coordinates in their CRS, all of them finite."""
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=np.bool_)
    finite[owners[~np.isfinite(points).all(axis=1)]] = False
    return finite


def _simple(shapes: NDArray[Any], indices: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Take collections apart, twice since they may hold collections, and drop what is empty."""
    for _ in range(2):
        shapes, owners = shapely.get_parts(shapes, return_index=True)
        indices = indices[owners]
    kept = ~shapely.is_empty(shapes)
    return shapes[kept], indices[kept]
