"""Where features lie on the ground, and which of them may reach a raster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from ...contract.errors import InputError
from ..grid import Grid

_DEGREES = "EPSG:4326"
_GROUND = pyproj.Geod(ellps="WGS84")
_ROUND_A_BOX = np.array([(0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1), (0, 0.5)])
_SLACK = 1.1  # sides of a box may bulge on the ground between its corners


@dataclass(frozen=True)
class Places:
    """Where N shapes lie on the ground: circles that hold them.

    Attributes:
        centres: Longitude and latitude in degrees (N, 2).
        radii: In metres (N,); infinite or NaN where it is not known.
    """

    centres: NDArray[np.float64]
    radii: NDArray[np.float64]

    @classmethod
    def of(cls, shapes: NDArray[Any], crs: pyproj.CRS) -> Places:
        """Return the places of shapes (N,) in a CRS.

        Raises:
            InputError: One has no place on the ground.
        """
        bounds = shapely.bounds(shapes)
        corner, size = bounds[:, :2], bounds[:, 2:] - bounds[:, :2]
        centres = _to_degrees(corner + size / 2, crs)
        lost = ~np.isfinite(centres).all(axis=1)
        if lost.any():
            raise InputError(
                f"{int(lost.sum())} lines or points have no place on the ground in their CRS, {crs.name}.",
                "The layer probably states a wrong CRS.",
            )
        outline = _to_degrees(corner[:, None] + size[:, None] * _ROUND_A_BOX, crs)
        return cls(centres, _metres(centres[:, None], outline).max(axis=1))

    def of_some(self, chosen: NDArray[np.bool_]) -> Places:
        """Return the places of some of the shapes."""
        return Places(self.centres[chosen], self.radii[chosen])

    def may_reach(self, grid: Grid, distance: float) -> NDArray[np.bool_]:
        """Tell which shapes (N,) may lie within a distance in metres of a grid; all where it is not on the ground."""
        if grid.crs is None:
            return np.ones(len(self.radii), dtype=np.bool_)
        crs = pyproj.CRS.from_wkt(grid.crs.to_wkt())
        points = [grid.transform @ (x * grid.width, y * grid.height) for x, y in [(0.5, 0.5), *_ROUND_A_BOX]]
        centre, *outline = _to_degrees(np.array(points), crs)
        radius = _metres(centre, np.array(outline)).max()
        away = _metres(self.centres, centre)
        return np.asarray(~(away > _SLACK * (self.radii + radius + distance)))


def _to_degrees(points: NDArray[np.float64], crs: pyproj.CRS) -> NDArray[np.float64]:
    """Return points (..., 2) in a CRS as longitudes and latitudes."""
    transformer = pyproj.Transformer.from_crs(crs, _DEGREES, always_xy=True)
    return np.stack(transformer.transform(points[..., 0], points[..., 1]), axis=-1)


def _metres(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far points in degrees (..., 2) are from others on the ground."""
    some, others = np.broadcast_arrays(some, others)
    return np.asarray(_GROUND.inv(some[..., 0], some[..., 1], others[..., 0], others[..., 1])[2])
