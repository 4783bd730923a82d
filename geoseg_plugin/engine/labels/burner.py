"""Burning a label layer onto a pixel grid, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window

from ...contract.errors import OutsideError
from ...contract.events import Report
from ..class_raster import class_dtype
from ..grid import Grid
from ..raster import blocks
from ..vector import reproject
from .classes import IGNORED, list_texts
from .layer import LabelLayer
from .placed_layer import PlacedLayer
from .shapes import describe, to_pixels

_BLOCK = 256  # whole in the blocks that rasters are worked through in


class Burner:
    """Burns a label layer onto a grid; the windows of a grid together are what the whole would be.

    All geometries near the grid are brought into its pixel coordinates once. A window then differs by whole numbers
    only, which floating point subtracts without error. Which pixels a feature touches GDAL finds with errors that
    depend on the window, so that all touched pixels are burnt in blocks whose places do not.

    Args:
        layer: The labels.
        grid: The grid of the image, also rotated or south-up.
        image: Where the image lies, for messages.
        all_touched: Burn every pixel that a feature touches, not only those whose centre is inside.
        report: Hears what was mended or left out.
        placed: The layer in the CRS of the grid, where several grids share it.

    Raises:
        InputError: A CRS is missing on one side, or a layer has no place in the CRS of the grid.
    """

    def __init__(
        self, layer: LabelLayer, grid: Grid, image: str, *, all_touched: bool, report: Report,
        placed: PlacedLayer | None = None,
    ) -> None:  # fmt: skip
        self._layer = layer
        self._all_touched = all_touched
        self._dtype, self._ignore = class_dtype(layer.classes)
        placed = placed or PlacedLayer(layer, grid.crs, image, report)
        near = placed.find_near(grid)
        self._shapes, features = to_pixels(placed.shapes[near], grid), placed.features[near]
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
        """Raise OutsideError where no feature lies on the grid."""
        if self.overlaps():
            return
        boxes = [
            shapely.total_bounds(reproject(features.geometries, features.crs, self._grid.crs))
            for features in self._layer.layers
        ]
        (west, south), (east, north) = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        raise OutsideError(
            f"No feature of {self._layer.source} lies on {self._image}: the layer covers x {west:.8g} to {east:.8g}, "
            f"y {south:.8g} to {north:.8g}; the raster is {self._grid.describe()}.",
            "Check that both are of the same place and state the right CRS.",
        )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the features that lie on the grid, in pixels of it."""
        left, top, right, bottom = shapely.total_bounds(self._shapes)
        return float(left), float(top), float(right), float(bottom)

    def burn(self, window: Window) -> NDArray[Any]:
        """Return the labels (H, W), class values, of a window inside the grid."""
        return self._burn(window, self._values, self._fill(self._layer.background), self._dtype)

    def number(self, window: Window) -> NDArray[np.int32]:
        """Return the number of the feature (H, W) that each pixel of a window shows, 0 where there is none."""
        return self._burn(window, self._numbers, 0, "int32")

    def label_numbers(self, numbers: NDArray[np.int32]) -> NDArray[Any]:
        """Return the labels (H, W) of pixels that show these features."""
        return np.asarray(self._values_by_number.take(numbers))

    def keep_objects(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the numbers (H, W) without those of features that are background."""
        if self._layer.background not in self._layer.values:
            return numbers
        return np.where(self.label_numbers(numbers) == self._layer.background, np.int32(0), numbers)

    def _burn(self, window: Window, values: NDArray[np.int64], fill: int, dtype: str) -> NDArray[Any]:
        around = _snap(window) if self._all_touched else window
        hits = np.sort(self._tree.query(_box(around)))
        described, values = describe(self._shapes[hits]), values[hits]
        out = np.full(_shape(around), fill, dtype)
        if not self._all_touched:
            _draw(described, values, around, out)
            return out
        areas = shapely.box(*shapely.bounds(self._shapes[hits]).T)
        for block in blocks(*out.shape, _BLOCK, _BLOCK):
            place = Window(around.col_off + block.col_off, around.row_off + block.row_off, _BLOCK, _BLOCK)
            chosen = np.flatnonzero(shapely.intersects(areas, _box(place)))
            drawn = out[block.toslices()].copy()
            _draw([described[at] for at in chosen], values[chosen], place, drawn, all_touched=True)
            out[block.toslices()] = drawn
        row, col = int(window.row_off - around.row_off), int(window.col_off - around.col_off)
        height, width = _shape(window)
        return out[row : row + height, col : col + width].copy()

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
                listed = f", {list_texts(texts)}" if (texts := self._layer.texts[found]).any() else ""
                report.warn(
                    f"{len(found)} of {len(touching)} features on {self._image} {text}{listed}: their pixels are "
                    f"{'ignored' if ignored else 'background'}."
                )


def _draw(
    described: list[dict[str, Any]], values: NDArray[np.int64], window: Window, out: NDArray[Any], *,
    all_touched: bool = False,
) -> None:  # fmt: skip
    """Burn shapes, each over those before it, into the pixels (H, W) of a window."""
    if described:
        offset = Affine.translation(window.col_off, window.row_off)
        shapes = zip(described, values.tolist(), strict=True)
        rasterize(shapes, out=out, transform=offset, all_touched=all_touched)


def _snap(window: Window) -> Window:
    """Return the blocks, which lie in the same places for every window, that a window touches."""
    height, width = _shape(window)
    left, top = int(window.col_off) // _BLOCK * _BLOCK, int(window.row_off) // _BLOCK * _BLOCK
    cols, rows = int(window.col_off) + width - left, int(window.row_off) + height - top
    return Window(left, top, -(-cols // _BLOCK) * _BLOCK, -(-rows // _BLOCK) * _BLOCK)


def _box(window: Window) -> shapely.Polygon:
    return shapely.box(window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)


def _shape(window: Window) -> tuple[int, int]:
    return int(window.height), int(window.width)
