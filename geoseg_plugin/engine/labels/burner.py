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
from .classes import IGNORED
from .layer import LabelLayer
from .shapes import describe, find_finite, take_apart, to_pixels


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
        InputError: A CRS is missing on one side, or a layer has no place in the CRS of the grid.
    """

    def __init__(self, layer: LabelLayer, grid: Grid, image: str, *, all_touched: bool, report: Report) -> None:
        self._layer = layer
        self._all_touched = all_touched
        self._dtype, self._ignore = class_dtype(layer.classes)
        placed = np.concatenate([_place(features, grid, image, report) for features in layer.layers])
        drawn = layer.order[~shapely.is_missing(placed[layer.order])]
        self._shapes, owners = take_apart(to_pixels(placed[drawn], grid))
        features = drawn[owners]
        values = np.where(layer.values == IGNORED, self._fill(None), layer.values)
        self._values, self._numbers = values[features], layer.numbers[features]
        self._values_by_number = np.full(int(layer.numbers.max()) + 1, self._fill(layer.background), self._dtype)
        self._values_by_number[layer.numbers] = values
        self._tree = shapely.STRtree(self._shapes)
        self._grid, self._image = grid, image
        self._area = shapely.box(0, 0, grid.width, grid.height)
        touching = np.unique(features[self._tree.query(self._area, "intersects")])
        self._warn_of_classless(touching, report)

    @property
    def dtype(self) -> str:
        """Data type of the labels."""
        return self._dtype

    def overlaps(self) -> bool:
        """Tell whether any feature lies on the grid."""
        return len(self._tree.query(self._area)) > 0

    def check_overlap(self) -> None:
        """Raise InputError where no feature lies on the grid."""
        if self.overlaps():
            return
        boxes = [
            shapely.total_bounds(reproject(features.geometries, features.crs, self._grid.crs))
            for features in self._layer.layers
        ]
        (west, south), (east, north) = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        raise InputError(
            f"No feature of {self._layer.source} lies on {self._image}: the layer covers x {west:.8g} to {east:.8g}, "
            f"y {south:.8g} to {north:.8g}; the raster is {self._grid.describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all features in pixels of the grid."""
        left, top, right, bottom = shapely.total_bounds(self._shapes)
        return float(left), float(top), float(right), float(bottom)

    def burn(self, window: Window) -> NDArray[Any]:
        """Return the labels (H, W), class values, of a window that may reach over the edge."""
        label = np.full(_shape(window), self._fill(self._layer.background), dtype=self._dtype)
        return self._burn(window, self._values, label)

    def number(self, window: Window) -> NDArray[np.int32]:
        """Return the number of the feature (H, W) that each pixel of a window shows, 0 where there is none."""
        return self._burn(window, self._numbers, np.zeros(_shape(window), dtype=np.int32))

    def label_numbers(self, numbers: NDArray[np.int32]) -> NDArray[Any]:
        """Return the labels (H, W) of pixels that show these features."""
        return np.asarray(self._values_by_number.take(numbers))

    def keep_objects(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the numbers (H, W) without those of features that are background."""
        if self._layer.background not in self._layer.values:
            return numbers
        return np.where(self.label_numbers(numbers) == self._layer.background, np.int32(0), numbers)

    def _burn(self, window: Window, values: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        height, width = out.shape
        corner = window.col_off, window.row_off, window.col_off + width, window.row_off + height
        hits = np.sort(self._tree.query(shapely.box(*corner)))
        if len(hits):
            shapes = zip(describe(self._shapes[hits]), values[hits].tolist(), strict=True)
            offset = Affine.translation(window.col_off, window.row_off)
            rasterize(shapes, out=out, transform=offset, all_touched=self._all_touched)
        return out

    def _fill(self, value: int | None) -> int:
        return self._ignore if value is None else value

    def _warn_of_classless(self, touching: NDArray[np.int64], report: Report) -> None:
        field = self._layer.field
        for chosen, text in (
            (self._layer.nulls, f"have no value in '{field}'"),
            (self._layer.unknown, f"have a '{field}' that the class table does not know"),
        ):
            found = touching[chosen[touching]]
            if len(found):
                ignored = (self._layer.values[found] == IGNORED).all()
                report.warn(
                    f"{len(found)} of {len(touching)} features on {self._image} {text}: their pixels are "
                    f"{'ignored' if ignored else 'background'}."
                )


def _shape(window: Window) -> tuple[int, int]:
    return int(window.height), int(window.width)


def _place(features: Features, grid: Grid, image: str, report: Report) -> NDArray[Any]:
    """Return the geometries (N,) of a layer in the CRS of a grid, None where they have no place in it."""
    _check_crs(features, grid, image, report)
    shapes = reproject(features.geometries, features.crs, grid.crs)
    finite = find_finite(shapes)
    if not finite.any():
        raise InputError(
            f"{features.source}, in {features.crs}, has no place in the CRS of {image}, {grid.crs}.",
            "One of them probably states a wrong CRS, or they are of different parts of the world.",
        )
    if not finite.all():
        report.warn(f"{int((~finite).sum())} features lie beyond the CRS of {image} and are left out.")
    placed = shapes.copy()
    placed[~finite] = None
    return placed


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
