"""Turns a class map into polygons while it is being made, one strip of rows after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage, sparse

from ....contract.classes import BACKGROUND_NAME, ClassTable
from ....contract.events import Report, stop_if_cancelled
from .polygon_file import Areas, PolygonFile

_FOUR_NEIGHBOURS = 4
_CLOSED_AT_ONCE = 1000


@dataclass
class _OpenArea:
    """A connected area that reaches the last row seen, so that it may go on below."""

    class_index: int
    pixels: int
    confidence: float
    parts: list[shapely.Polygon]


class PolygonWriter:
    """Finds the connected areas of one class (over edges, not corners) and hands each on once it is complete.

    In memory are the areas that reach the last row seen, and a batch of complete ones.

    Args:
        file: Where complete areas go.
        classes: The classes in the order of their indices; one named background gets no polygons.
        width: Columns of the map.
    """

    def __init__(self, file: PolygonFile, classes: ClassTable, width: int) -> None:
        self._file = file
        self._mapped = [index for index, one in enumerate(classes) if one.name.strip().lower() != BACKGROUND_NAME]
        self._open: list[_OpenArea] = []
        # For each column which of the open areas the last row belongs to, -1 where to none.
        self._last_row = np.full(width, -1)

    def add(
        self,
        first: int,
        indices: NDArray[np.integer],
        confidence: NDArray[np.float32],
        valid: NDArray[np.bool_],
    ) -> None:
        """Add the strip that follows the last one.

        Args:
            first: Its first row in the map.
            indices: (H, W) class indices.
            confidence: (H, W) probability of the chosen class.
            valid: (H, W) which pixels have a class.
        """
        numbers, areas = _areas(first, indices, confidence, valid, self._mapped)
        links = self._links(numbers[0], areas.class_indices)
        reaching = np.unique(numbers[-1])[1:] if numbers[-1].min() == 0 else np.unique(numbers[-1])
        inner = np.ones(len(areas.pixels), np.bool_)
        inner[links[1]] = inner[reaching - 1] = False
        self._file.write(areas.where(inner))
        self._merge(areas, links, np.flatnonzero(~inner), numbers[-1])

    def close(self, report: Report) -> None:
        """Hand on what is still open, and finish the file.

        Raises:
            Cancelled: The user has asked to stop.
        """
        for first in range(0, len(self._open), _CLOSED_AT_ONCE):
            stop_if_cancelled(report)
            self._write_closed(self._open[first : first + _CLOSED_AT_ONCE])
        self._open = []
        stop_if_cancelled(report)
        self._file.close()

    def _links(self, top_row: NDArray[np.int32], class_indices: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return (2, N): which open area continues in which area of the new strip, counted from 0."""
        touching = (self._last_row >= 0) & (top_row > 0)
        pairs = np.unique(np.stack([self._last_row[touching], top_row[touching] - 1]), axis=1)
        open_classes = np.array([area.class_index for area in self._open], dtype=np.int64)
        links: NDArray[np.int64] = pairs[:, open_classes[pairs[0]] == class_indices[pairs[1]]]
        return links

    def _merge(
        self, areas: Areas, links: NDArray[np.int64], outer: NDArray[np.int64], bottom_row: NDArray[np.int32]
    ) -> None:
        """Join open areas with those areas (`outer`) of the new strip that touch them or reach its last row."""
        place = np.full(len(areas.pixels) + 1, -1)
        place[outer + 1] = np.arange(len(outer)) + len(self._open)
        pieces = self._open + [
            _OpenArea(
                int(areas.class_indices[at]), int(areas.pixels[at]), float(areas.confidence[at]), [areas.geometries[at]]
            )
            for at in outer
        ]
        edges = sparse.coo_array(
            (np.ones(links.shape[1], np.bool_), (links[0], place[links[1] + 1])), shape=(len(pieces), len(pieces))
        )
        count, group = sparse.csgraph.connected_components(edges, directed=False)
        merged: list[_OpenArea | None] = [None] * count
        for piece, number in zip(pieces, group, strict=True):
            merged[number] = piece if (known := merged[number]) is None else _joined(known, piece)
        whole = [area for area in merged if area is not None]
        below = np.where(bottom_row > 0, np.append(group, -1)[place[bottom_row]], -1)
        still_open = np.unique(below[below >= 0])
        self._open = [whole[number] for number in still_open]
        self._last_row = np.where(below >= 0, np.searchsorted(still_open, below), -1)
        self._write_closed([whole[number] for number in np.setdiff1d(np.arange(count), still_open)])

    def _write_closed(self, closed: list[_OpenArea]) -> None:
        self._file.write(
            Areas(
                np.array([area.class_index for area in closed], np.int64),
                np.array([area.pixels for area in closed], np.int64),
                np.array([area.confidence for area in closed]),
                np.array([_union(area.parts) for area in closed], dtype=object),
            )
        )


def _areas(
    first: int,
    indices: NDArray[np.integer],
    confidence: NDArray[np.float32],
    valid: NDArray[np.bool_],
    mapped: list[int],
) -> tuple[NDArray[np.int32], Areas]:
    """Number the connected areas of a strip from 1 on; return the numbers (H, W), 0 for none, and the areas."""
    numbers = np.zeros(indices.shape, np.int32)
    class_indices: list[int] = []
    for index in mapped:
        found, count = ndimage.label((indices == index) & valid)
        numbers[found > 0] = found[found > 0] + len(class_indices)
        class_indices += [index] * count
    total = len(class_indices)
    geometries = np.empty(total, dtype=object)
    # Pixel coordinates (column, row): whole numbers, so that parts join without gaps.
    shift = Affine.translation(0, first)
    for shape, number in features.shapes(numbers, numbers > 0, connectivity=_FOUR_NEIGHBOURS, transform=shift):
        rings = shape["coordinates"]
        geometries[int(number) - 1] = shapely.Polygon(rings[0], rings[1:])
    flat = numbers.ravel()
    pixels = np.bincount(flat, minlength=total + 1)[1:]
    sums = np.bincount(flat, confidence.ravel().astype(np.float64), total + 1)[1:].astype(np.float64)
    return numbers, Areas(np.array(class_indices, np.int64), pixels, sums, geometries)


def _joined(one: _OpenArea, other: _OpenArea) -> _OpenArea:
    one.pixels += other.pixels
    one.confidence += other.confidence
    one.parts += other.parts
    return one


def _union(parts: list[shapely.Polygon]) -> shapely.Polygon:
    """Join the parts of one area and drop the vertices that their seams leave on straight edges.

    Only shells meet at seams; what is a hole of a part stays one. So holes, of which there can be millions, are left
    out of the slow joining.
    """
    if len(parts) == 1:
        return parts[0]
    rings, owners = shapely.get_rings(parts, return_index=True)
    is_shell = np.diff(owners, prepend=-1) > 0
    joined = shapely.union_all(shapely.polygons(rings[is_shell]))
    shell, *holes = shapely.get_rings(shapely.simplify(joined, 0, preserve_topology=False))
    return shapely.polygons(shell, np.concatenate([holes, rings[~is_shell]]))
