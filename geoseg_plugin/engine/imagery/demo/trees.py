"""Trees of the synthetic landscape: in woods, hedges, gardens and along the water."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_CORNERS = 14
_HEDGED_SHARE = 0.3
_WOOD_SPACING = 9.0
_GARDEN_SPACING = 26.0
_LONE_SPACING = 150.0


def place_trees(
    woods: NDArray[Any], hedges: NDArray[Any], water: NDArray[Any], villages: Any, *, blocked: NDArray[Any], size: int,
    rng: np.random.Generator,
) -> NDArray[Any]:  # fmt: skip
    """Return crown outlines, far ones first, none with its middle on blocked ground.

    Args:
        woods: Outlines of woods.
        hedges: Lines of which a share carries a hedge.
        water: Outlines of water, whose banks carry trees.
        villages: Ground with gardens.
        blocked: Outlines that trees keep off.
        size: Side of the scene in pixels.
        rng: Where all chance comes from.
    """
    wood = _within(shapely.union_all(woods), _WOOD_SPACING, size, rng)
    garden = _within(villages, _GARDEN_SPACING, size, rng)
    lone = _within(shapely.box(0, 0, size, size), _LONE_SPACING, size, rng)
    rows = [_beside(line, 11.0, 0.75, rng) for line in hedges if rng.random() < _HEDGED_SHARE]
    banks = [_beside(shapely.buffer(body, 6.0).exterior, 14.0, 0.55, rng) for body in water]
    hedge = np.concatenate([np.empty((0, 2)), *rows, *banks])
    places = np.concatenate([wood, garden, lone, hedge])
    radii = np.concatenate(
        [
            rng.uniform(4.5, 8.5, len(wood)),
            rng.uniform(3.0, 6.5, len(garden)),
            rng.uniform(6.0, 11.0, len(lone)),
            rng.uniform(3.5, 7.5, len(hedge)),
        ]
    )
    hits = shapely.STRtree(blocked).query(shapely.points(places), predicate="dwithin", distance=0.6 * radii)[0]
    free = np.ones(len(places), dtype=np.bool_)
    free[hits] = False
    places, radii = places[free], radii[free]
    order = np.argsort(places[:, 1], kind="stable")
    return _crowns(places[order], radii[order], rng)


def _within(area: Any, spacing: float, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return points (N, 2) in the area, about one per square of the spacing."""
    steps = np.arange(-spacing, size + spacing, spacing)
    x, y = (grid.ravel() for grid in np.meshgrid(steps, steps))
    places = np.column_stack([x, y]) + rng.uniform(-0.42, 0.42, (len(x), 2)) * spacing
    shapely.prepare(area)
    return np.asarray(places[shapely.contains_xy(area, places[:, 0], places[:, 1])])


def _beside(line: Any, spacing: float, share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    stations = np.arange(0.0, line.length, spacing)
    stations = stations[rng.random(len(stations)) < share]
    places = shapely.get_coordinates(shapely.line_interpolate_point(line, stations))
    return np.asarray(places + rng.normal(0, 1.6, places.shape))


def _crowns(places: NDArray[np.float64], radii: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    uneven = 1 + rng.uniform(-0.14, 0.14, (len(places), _CORNERS))
    reach = radii[:, None] * uneven
    x = places[:, :1] + reach * np.cos(turn)
    y = places[:, 1:] + reach * np.sin(turn)
    return np.asarray(shapely.polygons(np.stack([x, y], axis=2)))
