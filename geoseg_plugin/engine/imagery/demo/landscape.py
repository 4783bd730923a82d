"""The plan of a synthetic landscape, as polygons in pixel coordinates (x to the right, y down)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import split

from ....contract.events import Report, stop_if_cancelled
from .buildings import Building, place_buildings
from .trees import place_trees

MARGIN = 60.0
WOOD = "wood"
CROPS = ("wheat", "maize", "young crop", "rapeseed", "bare soil", "meadow", WOOD)
_CROP_SHARES = (0.24, 0.18, 0.16, 0.08, 0.12, 0.14, 0.08)
_PARCEL_AREA = (22_000.0, 75_000.0)
_VILLAGE_SPACING = 820.0
_ROAD_SPACING = 900.0
_ROAD_WIDTH, _STREET_WIDTH, _TRACK_WIDTH = 13.0, 9.0, 5.0


@dataclass(frozen=True)
class Parcel:
    """A piece of farmland: its outline, its crop, and the direction of its rows (radians)."""

    outline: Any
    crop: str
    angle: float


@dataclass(frozen=True)
class Road:
    """A road: its outline and its surface, "asphalt" or "gravel"."""

    outline: Any
    surface: str


@dataclass(frozen=True)
class Landscape:
    """All that is in a scene, each kind in the order in which it is drawn.

    Attributes:
        parcels: Farmland, woods among it.
        water: Outlines of river and ponds.
        roads: Roads, streets and tracks.
        yards: Paved ground around buildings, with no class of its own.
        trees: Outlines of crowns.
        buildings: Buildings.
    """

    parcels: tuple[Parcel, ...]
    water: NDArray[Any]
    roads: tuple[Road, ...]
    yards: NDArray[Any]
    trees: NDArray[Any]
    buildings: tuple[Building, ...]


def plan_landscape(size: int, rng: np.random.Generator, report: Report) -> Landscape:
    """Return the plan of a square scene.

    Args:
        size: Its side in pixels of 0.5 m.
        rng: Where all chance comes from.
        report: Where progress goes.

    Raises:
        Cancelled: The user has asked to stop.
    """
    report.progress(0.0, "Planning roads and fields")
    ground = shapely.box(-MARGIN, -MARGIN, size + MARGIN, size + MARGIN)
    main = _main_roads(size, rng)
    centres = _village_centres(size, main, rng)
    streets = _streets(main, centres, rng, report)
    parcels, tracks = _divide(ground, rng)
    water = _water(size, centres, rng)
    villages = _villages(main, streets, centres)
    roads = _roads(main, streets, tracks, water, villages)
    kept = _fields(parcels, roads, water, villages, rng=rng, report=report)
    report.progress(0.5, "Planning buildings and trees")
    buildings, yards = place_buildings(
        main + streets, villages, roads=_outlines(roads), water=water, rng=rng, report=report
    )
    woods = np.array([parcel.outline for parcel in kept if parcel.crop == WOOD], dtype=object)
    hedges = np.array([parcel.outline.exterior for parcel in kept if parcel.crop != WOOD], dtype=object)
    blocked = np.concatenate([_outlines(roads), water, np.array([one.outline for one in buildings], dtype=object)])
    trees = place_trees(woods, hedges, water, villages, blocked=blocked, size=size, rng=rng)
    return Landscape(kept, water, roads, yards, trees, buildings)


def _outlines(roads: tuple[Road, ...]) -> NDArray[Any]:
    return np.array([road.outline for road in roads], dtype=object)


def _main_roads(size: int, rng: np.random.Generator) -> list[Any]:
    """Return winding lines from edge to edge, both ways."""
    lines = []
    count = max(1, round(size / _ROAD_SPACING))
    along = np.linspace(-MARGIN, size + MARGIN, 40 * count)
    for turned in (False, True):
        for number in range(count):
            middle = size * (number + rng.uniform(0.3, 0.7)) / count
            across = middle + rng.uniform(-0.08, 0.08) * (along - size / 2) + _wave(along, 25, 600, rng)
            points = np.column_stack([across, along] if turned else [along, across])
            lines.append(shapely.LineString(points))
    return lines


def _wave(along: NDArray[np.float64], height: float, length: float, rng: np.random.Generator) -> NDArray[np.float64]:
    phases = rng.uniform(0, 2 * np.pi, 2)
    slow = np.sin(2 * np.pi * along / length + phases[0])
    return np.asarray(height * (slow + 0.35 * np.sin(2 * np.pi * along / length * 2.3 + phases[1])))


def _village_centres(size: int, main: list[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return points (N, 2) on the main roads, about one per square of village spacing."""
    count = max(1, round(size / _VILLAGE_SPACING))
    cells = [(row, col) for row in range(count) for col in range(count)]
    rough = [
        ((col + rng.uniform(0.35, 0.65)) * size / count, (row + rng.uniform(0.35, 0.65)) * size / count)
        for row, col in cells
    ]
    roads = shapely.union_all(main)
    return np.array([shapely.get_coordinates(shapely.shortest_line(roads, shapely.Point(place)))[0] for place in rough])


def _streets(main: list[Any], centres: NDArray[np.float64], rng: np.random.Generator, report: Report) -> list[Any]:
    """Return side streets that leave the main roads in villages at about right angles."""
    streets: list[Any] = []
    for line in main:
        stop_if_cancelled(report)
        stations = np.arange(80.0, line.length - 80, 95.0)
        for place in stations + rng.uniform(-18, 18, len(stations)):
            start, ahead = shapely.line_interpolate_point(line, [place, place + 4.0])
            origin = np.array([start.x, start.y])
            if np.hypot(*(centres - origin).T).min() > 300:
                continue
            turn = rng.choice([-1, 1]) * np.pi / 2 + rng.uniform(-0.15, 0.15)
            heading = np.arctan2(ahead.y - start.y, ahead.x - start.x) + turn
            bend = rng.uniform(-0.0012, 0.0012)
            steps = np.linspace(0, rng.uniform(110, 260), 12)
            turning = heading + bend * steps
            moves = np.diff(steps, prepend=0.0)[:, None] * np.column_stack([np.cos(turning), np.sin(turning)])
            street = shapely.LineString(origin + np.cumsum(moves, axis=0))
            if not any(street.distance(other) < 60 for other in streets):
                streets.append(street)
    return streets


def _divide(ground: Any, rng: np.random.Generator) -> tuple[list[tuple[Any, float]], list[Any]]:
    """Cut the ground into parcels (outline, direction); the early cuts become tracks."""
    pieces, parcels, cuts = [(ground, 0)], [], []
    while pieces:
        piece, depth = pieces.pop()
        angle, length = _long_side(piece)
        if piece.area < rng.uniform(*_PARCEL_AREA):
            parcels.append((piece, angle))
            continue
        line = _cut(piece, angle, length, rng)
        parts = [part for part in split(piece, line).geoms if part.area > 1]
        if len(parts) < 2:
            parcels.append((piece, angle))
            continue
        if rng.random() < 0.45:
            cuts.append(shapely.intersection(line, piece))
        pieces += [(part, depth + 1) for part in parts]
    return parcels, cuts


def _long_side(piece: Any) -> tuple[float, float]:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(piece))
    sides = np.diff(corners[:3], axis=0)
    lengths = np.hypot(*sides.T)
    dx, dy = sides[int(np.argmax(lengths))]
    return float(np.arctan2(dy, dx)), float(lengths.max())


def _cut(piece: Any, angle: float, length: float, rng: np.random.Generator) -> Any:
    centre = np.array([piece.centroid.x, piece.centroid.y])
    centre += rng.uniform(-0.14, 0.14) * length * np.array([np.cos(angle), np.sin(angle)])
    turned = angle + np.pi / 2 + rng.uniform(-0.14, 0.14)
    reach = 2 * length * np.array([np.cos(turned), np.sin(turned)])
    return shapely.LineString([centre - reach, centre + reach])


def _water(size: int, centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
    """Return a river through the scene, off the villages where it can, and ponds."""
    along = np.linspace(-MARGIN, size + MARGIN, max(60, size // 12))
    middles = size * rng.uniform(0.1, 0.9, 12)
    middle = middles[int(np.argmax([np.abs(centres[:, 1] - one).min() for one in middles]))]
    course = shapely.LineString(np.column_stack([along, middle + _wave(along, 30, 420, rng)]))
    widths = rng.uniform(10, 14)
    bodies = [course.buffer(widths)]
    for _ in range(max(1, round((size / 900) ** 2))):
        place = rng.uniform(0.08, 0.92, 2) * size
        if np.hypot(*(centres - place).T).min() > 200:
            turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
            radius = rng.uniform(28, 60) * (1 + 0.18 * np.sin(2 * turn + rng.uniform(0, 6)) + 0.1 * np.sin(3 * turn))
            bodies.append(
                shapely.Polygon(place + np.column_stack([radius * np.cos(turn), 0.7 * radius * np.sin(turn)]))
            )
    return np.array(bodies, dtype=object)


def _villages(main: list[Any], streets: list[Any], centres: NDArray[np.float64]) -> Any:
    """Return the ground of all villages: what lies along streets, and along main roads near a centre."""
    cores = shapely.union_all(shapely.buffer(shapely.points(centres), 280.0))
    lines = [shapely.intersection(line, cores) for line in main]
    return shapely.union_all(shapely.buffer(lines + streets, 62.0))


def _roads(
    main: list[Any], streets: list[Any], tracks: list[Any], water: NDArray[Any], villages: Any
) -> tuple[Road, ...]:
    kept = shapely.difference(shapely.union_all(tracks), villages.union(shapely.union_all(shapely.buffer(water, 6.0))))
    gravel = [
        Road(shapely.buffer(line, _TRACK_WIDTH / 2), "gravel") for line in shapely.get_parts(kept) if line.length > 40
    ]
    side = [Road(shapely.buffer(line, _STREET_WIDTH / 2), "asphalt") for line in streets]
    return (*gravel, *side, *(Road(shapely.buffer(line, _ROAD_WIDTH / 2), "asphalt") for line in main))


def _fields(
    parcels: list[tuple[Any, float]], roads: tuple[Road, ...], water: NDArray[Any], villages: Any, *,
    rng: np.random.Generator, report: Report,
) -> tuple[Parcel, ...]:  # fmt: skip
    """Give every parcel a crop, and keep it off roads, banks and villages by a strip of grass."""
    strips = np.concatenate([shapely.buffer(_outlines(roads), 3.0), shapely.buffer(water, 8.0), [villages]])
    taken = shapely.union_all(strips)
    shapely.prepare(taken)
    fields = []
    for outline, angle in parcels:
        stop_if_cancelled(report)
        crop = str(rng.choice(CROPS, p=_CROP_SHARES))
        free = shapely.difference(shapely.buffer(outline, -1.6), taken)
        fields += [Parcel(part, crop, angle) for part in shapely.get_parts(free) if part.area > 900]
    return tuple(fields)
