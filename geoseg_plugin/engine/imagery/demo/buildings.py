"""Buildings of the synthetic landscape: where they stand, how they are roofed, what shadow they cast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import rotate, translate

from ....contract.events import Report, stop_if_cancelled

ROOFS = ("red tile", "brown tile", "slate", "light metal", "blue metal", "rusty metal", "grey sheet")
_HOUSE_ROOFS = (0.38, 0.22, 0.16, 0.08, 0.03, 0.04, 0.09)
_BARN_ROOFS = (0.10, 0.10, 0.06, 0.30, 0.12, 0.16, 0.16)


@dataclass(frozen=True)
class Building:
    """One building, in pixels.

    Attributes:
        outline: Its footprint.
        facets: The sides of its roof, which together are the footprint.
        slopes: Direction that each facet faces (radians, y down), None for a flat roof.
        roof: What the roof is made of.
        height: Height of the eaves.
    """

    outline: Any
    facets: tuple[Any, ...]
    slopes: tuple[float | None, ...]
    roof: str
    height: float


def place_buildings(
    lines: list[Any], villages: Any, *, roads: NDArray[Any], water: NDArray[Any], rng: np.random.Generator,
    report: Report,
) -> tuple[tuple[Building, ...], NDArray[Any]]:  # fmt: skip
    """Return buildings along the lines, and paved yards.

    Args:
        lines: Main roads and streets.
        villages: The ground that may be built upon; a few farms stand outside.
        roads: Outlines of roads, to be kept free.
        water: Outlines of water, to be kept free.
        rng: Where all chance comes from.
        report: Asked whether to stop.

    Raises:
        Cancelled: The user has asked to stop.
    """
    candidates: list[Building] = []
    for line in lines:
        stop_if_cancelled(report)
        candidates += _along(line, villages, rng)
    outlines = np.array([building.outline for building in candidates], dtype=object)
    free = np.ones(len(candidates), dtype=np.bool_)
    for obstacles, gap in ((roads, 3.0), (water, 10.0)):
        hits = shapely.STRtree(shapely.buffer(obstacles, gap)).query(outlines, predicate="intersects")[0]
        free[hits] = False
    buffered = shapely.buffer(outlines, 3.5)
    pairs = shapely.STRtree(buffered).query(buffered, predicate="intersects").T
    for one, other in pairs[pairs[:, 0] < pairs[:, 1]]:
        if free[one]:
            free[other] = False
    kept = tuple(building for building, keep in zip(candidates, free, strict=True) if keep)
    yards = [_yard(building, rng) for building in kept if building.outline.area > 900 or rng.random() < 0.16]
    return kept, np.array(yards, dtype=object)


def _along(line: Any, villages: Any, rng: np.random.Generator) -> Iterator[Building]:
    shapely.prepare(villages)
    place = 20.0
    while place < line.length - 10:
        here, ahead = shapely.line_interpolate_point(line, [place, place + 3.0])
        angle = float(np.arctan2(ahead.y - here.y, ahead.x - here.x))
        inside = bool(shapely.contains_xy(villages, here.x, here.y))
        for side in (-1, 1):
            if rng.random() < (0.88 if inside else 0.07):
                yield _build(here, angle, side, farm=not inside or rng.random() < 0.1, rng=rng)
        place += rng.uniform(23, 33) if inside else rng.uniform(50, 90)


def _build(here: Any, angle: float, side: int, *, farm: bool, rng: np.random.Generator) -> Building:
    if farm:
        width, depth = rng.uniform(44, 90), rng.uniform(22, 36)
        height, roof = rng.uniform(9, 15), str(rng.choice(ROOFS, p=_BARN_ROOFS))
    else:
        width, depth = rng.uniform(17, 28), rng.uniform(15, 22)
        height, roof = rng.uniform(7, 14), str(rng.choice(ROOFS, p=_HOUSE_ROOFS))
    setback = 6.5 + rng.uniform(6, 18) + depth / 2
    direction = angle + side * np.pi / 2
    x, y = here.x + setback * np.cos(direction), here.y + setback * np.sin(direction)
    turn = angle + rng.normal(0, 0.06) + (np.pi / 2 if rng.random() < 0.25 else 0)
    parts = [_gable(width, depth)] if rng.random() > 0.12 else [_flat(width, depth)]
    if rng.random() < 0.25:
        parts.append(_wing(width, depth, rng))
    return _assemble(parts, turn, (x, y), roof, height)


def _gable(width: float, depth: float) -> list[tuple[Any, float | None]]:
    """Return two facets that meet at a ridge along the longer side, each with the direction it faces."""
    if width >= depth:
        return [
            (shapely.box(-width / 2, -depth / 2, width / 2, 0), -np.pi / 2),
            (shapely.box(-width / 2, 0, width / 2, depth / 2), np.pi / 2),
        ]
    return [
        (shapely.box(-width / 2, -depth / 2, 0, depth / 2), np.pi),
        (shapely.box(0, -depth / 2, width / 2, depth / 2), 0.0),
    ]


def _flat(width: float, depth: float) -> list[tuple[Any, float | None]]:
    return [(shapely.box(-width / 2, -depth / 2, width / 2, depth / 2), None)]


def _wing(width: float, depth: float, rng: np.random.Generator) -> list[tuple[Any, float | None]]:
    x = rng.uniform(-0.3, 0.3) * width
    half, reach = 0.22 * width, depth / 2 + rng.uniform(5, 11)
    near = 0.4 * depth
    return [(shapely.box(x - half, near, x, reach), np.pi), (shapely.box(x, near, x + half, reach), 0.0)]


def _assemble(
    parts: list[list[tuple[Any, float | None]]], turn: float, place: tuple[float, float], roof: str, height: float
) -> Building:
    facets, slopes, covered = [], [], shapely.Polygon()
    for part in parts:
        for shape, slope in part:
            facets.append(shapely.difference(shape, covered))
            slopes.append(None if slope is None else slope + turn)
        covered = shapely.union_all([shape for shape, _ in part] + [covered])

    def put(shape: Any) -> Any:
        return translate(rotate(shape, turn, origin=(0, 0), use_radians=True), *place)

    return Building(put(covered), tuple(map(put, facets)), tuple(slopes), roof, height)


def _yard(building: Building, rng: np.random.Generator) -> Any:
    around = shapely.buffer(shapely.minimum_rotated_rectangle(building.outline), 7.0, join_style="mitre")
    return translate(around, *rng.uniform(-6, 6, 2))
