"""Painting the plan of a landscape as an aerial image, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter
from shapely.affinity import translate

from .landscape import Landscape
from .spectra import ROWS, SHADOW, SPECTRA

BANDS = ("red", "green", "blue", "nir")
_MARGIN = 6
_NOISE_SIDE = 1024
_SUN_AZIMUTH = np.deg2rad(140)
_SUN_SLOPE = np.tan(np.deg2rad(48))
_AWAY = np.array([-np.sin(_SUN_AZIMUTH), np.cos(_SUN_AZIMUTH)])  # x to the right, y down
_TREE_HEIGHT_PER_RADIUS = 1.9
_BLUR_PX = 0.62
_HAZE = np.array([110, 150, 210, 60], dtype=np.float32)
Pixels = NDArray[np.float32]


class Shapes:
    """Polygons with a number each, to be burnt where a window needs them; later ones on top."""

    def __init__(self, polygons: Sequence[Any] | NDArray[Any]) -> None:
        self._polygons = np.asarray(polygons, dtype=object)
        self._tree = shapely.STRtree(self._polygons)

    def burn(self, window: Window) -> NDArray[np.int32]:
        """Return the number of the polygon in every pixel (H, W), counted from 0, and -1 where there is none."""
        corner = (window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)
        hits = np.sort(self._tree.query(shapely.box(*corner)))
        numbers = np.full((int(window.height), int(window.width)), -1, dtype=np.int32)
        if len(hits):
            offset = Affine.translation(window.col_off, window.row_off)
            rasterize(zip(self._polygons[hits], hits.tolist(), strict=True), out=numbers, transform=offset)
        return numbers


class Painter:
    """Paints windows of a landscape; whatever the windows, the picture is the same.

    Args:
        landscape: What to paint.
        seed: Where noise comes from.
    """

    def __init__(self, landscape: Landscape, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._seed = seed
        self._noise = [_noise_tile(rng, sigma) for sigma in (0.7, 2.5, 9.0, 40.0)]
        self._plan_ground(landscape, rng)
        self._plan_trees(landscape.trees, rng)
        self._plan_buildings(landscape, rng)
        cast = [_building_shadow(one.outline, one.height) for one in landscape.buildings]
        self._shadows = Shapes([*_tree_shadows(landscape.trees, self._radii), *cast])

    def paint(self, window: Window) -> NDArray[np.uint16]:
        """Return reflectance x 10000 (4, H, W)."""
        wide = Window(
            window.col_off - _MARGIN, window.row_off - _MARGIN, window.width + 2 * _MARGIN, window.height + 2 * _MARGIN
        )
        rows = np.arange(wide.row_off, wide.row_off + wide.height)
        cols = np.arange(wide.col_off, wide.col_off + wide.width)
        grain = [np.take(np.take(tile, rows % _NOISE_SIDE, 0), cols % _NOISE_SIDE, 1) for tile in self._noise]
        image = self._paint_ground(wide, rows, cols, grain)
        lit = gaussian_filter((self._shadows.burn(wide) < 0).astype(np.float32), 0.5)
        image *= _column(SHADOW) + (1 - _column(SHADOW)) * lit
        self._paint_trees(image, wide, rows, cols, grain)
        self._paint_roofs(image, wide, rows, cols, grain)
        image += _HAZE[:, None, None]
        blurred = np.stack([gaussian_filter(band, _BLUR_PX) for band in image])
        inner = blurred[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        rng = np.random.default_rng([self._seed, 2, int(window.row_off), int(window.col_off)])
        noisy = inner + rng.standard_normal(inner.shape, dtype=np.float32) * np.sqrt(18**2 + 0.9 * inner)
        return np.clip(np.rint(noisy), 1, 10000).astype(np.uint16)

    def _plan_ground(self, landscape: Landscape, rng: np.random.Generator) -> None:
        parcels = landscape.parcels
        self._fields = Shapes([parcel.outline for parcel in parcels])
        crops = [parcel.crop for parcel in parcels]
        vary = 1 + rng.normal(0, 0.08, (len(parcels), 1)) + rng.normal(0, 0.02, (len(parcels), 4))
        self._field_colour = np.array([SPECTRA[crop] for crop in crops], dtype=np.float32).reshape(-1, 4) * vary
        self._row_colour = np.array([SPECTRA[ROWS[crop][2]] for crop in crops], dtype=np.float32).reshape(-1, 4)
        spacing = np.array([ROWS[crop][0] for crop in crops])
        angles = np.array([parcel.angle for parcel in parcels])
        self._row_waves = np.column_stack([-np.sin(angles) / spacing, np.cos(angles) / spacing])
        self._tram_waves = np.column_stack([-np.sin(angles), np.cos(angles)]) / 42.0
        self._row_strength = np.array([ROWS[crop][1] for crop in crops], dtype=np.float32)
        self._tram_strength = np.array([0.0 if crop in ("meadow", "wood") else 0.28 for crop in crops], np.float32)
        self._water = Shapes(landscape.water)
        self._yards = Shapes(landscape.yards)
        self._roads = Shapes([road.outline for road in landscape.roads])
        surfaces = [SPECTRA[road.surface] for road in landscape.roads]
        self._road_colour = np.array(surfaces, np.float32) * (1 + rng.normal(0, 0.08, (len(surfaces), 1)))

    def _plan_trees(self, crowns: NDArray[Any], rng: np.random.Generator) -> None:
        self._crowns = Shapes(crowns)
        self._radii = np.sqrt(shapely.area(crowns) / np.pi)
        self._tree_places = shapely.get_coordinates(shapely.centroid(crowns))
        vary = 1 + rng.normal(0, 0.13, (len(crowns), 1)) + rng.normal(0, 0.06, (len(crowns), 4))
        self._tree_colour = (_column(SPECTRA["tree"])[:, 0, 0] * vary).astype(np.float32)

    def _plan_buildings(self, landscape: Landscape, rng: np.random.Generator) -> None:
        facets, colours, waves = [], [], []
        for one in landscape.buildings:
            colour = np.array(SPECTRA[one.roof]) * (1 + rng.normal(0, 0.10) + rng.normal(0, 0.03, 4))
            for shape, slope in zip(one.facets, one.slopes, strict=True):
                towards_sun = 0.0 if slope is None else float(np.cos(slope) * -_AWAY[0] + np.sin(slope) * -_AWAY[1])
                facets.append(shape)
                colours.append(colour * (1 + 0.24 * towards_sun))
                waves.append((0.0, 0.0) if slope is None else (np.cos(slope) / 2.6, np.sin(slope) / 2.6))
        self._facets = Shapes(facets)
        self._facet_colour = np.array(colours, dtype=np.float32).reshape(-1, 4)
        self._facet_waves = np.array(waves).reshape(-1, 2)

    def _paint_ground(self, wide: Window, rows: Any, cols: Any, grain: list[Pixels]) -> Pixels:
        grass = 1 + 0.07 * grain[0] + 0.08 * grain[1] + 0.09 * grain[2] + 0.08 * grain[3]
        image: Pixels = (_column(SPECTRA["grass"]) * grass).astype(np.float32)
        field = self._fields.burn(wide)
        inside = field >= 0
        if inside.any():
            image[:, inside] = self._field_pixels(field, inside, rows, cols, grain)
        for shapes, colour, depth in (
            (self._water, np.array([SPECTRA["water"]], np.float32), 0.05),
            (self._yards, np.array([SPECTRA["paving"]], np.float32), 0.10),
            (self._roads, self._road_colour, 0.05),
        ):
            number = shapes.burn(wide)
            inside = number >= 0
            which = number[inside] if len(colour) > 1 else np.zeros(int(inside.sum()), np.int32)
            uneven = 1 + depth * (0.5 * grain[0] + grain[1] + 0.7 * grain[2])[inside]
            image[:, inside] = colour[which].T * uneven
        return image

    def _field_pixels(self, field: Any, inside: Any, rows: Any, cols: Any, grain: list[Pixels]) -> Pixels:
        number = field[inside]
        y, x = np.broadcast_to(rows[:, None], field.shape)[inside], np.broadcast_to(cols, field.shape)[inside]
        wobble = 0.05 * grain[2][inside]
        row = np.sin(2 * np.pi * (x * self._row_waves[number, 0] + y * self._row_waves[number, 1] + wobble))
        tram = (x * self._tram_waves[number, 0] + y * self._tram_waves[number, 1] + 0.1 * wobble) % 1.0 < 0.045
        growth = 1 + (0.05 * grain[0] + 0.04 * grain[1] + 0.05 * grain[2] + 0.07 * grain[3])[inside]
        mix = self._row_strength[number] * (0.5 + 0.5 * row) + self._tram_strength[number] * tram
        mix = np.clip(mix * (1 + 0.35 * grain[2][inside]), 0, 1).astype(np.float32)
        pixels = self._field_colour[number].T * (1 - mix) + self._row_colour[number].T * mix
        return np.asarray(pixels * growth, dtype=np.float32)

    def _paint_trees(self, image: Pixels, wide: Window, rows: Any, cols: Any, grain: list[Pixels]) -> None:
        crown = self._crowns.burn(wide)
        inside = crown >= 0
        number = crown[inside]
        y, x = np.broadcast_to(rows[:, None], crown.shape)[inside], np.broadcast_to(cols, crown.shape)[inside]
        place, radius = self._tree_places[number], self._radii[number]
        towards_sun = -((x + 0.5 - place[:, 0]) * _AWAY[0] + (y + 0.5 - place[:, 1]) * _AWAY[1]) / radius
        light = 0.86 + 0.42 * np.clip(towards_sun, -1.1, 1.1) + (0.16 * grain[0] + 0.14 * grain[1])[inside]
        image[:, inside] = self._tree_colour[number].T * np.clip(light, 0.25, 2.0)

    def _paint_roofs(self, image: Pixels, wide: Window, rows: Any, cols: Any, grain: list[Pixels]) -> None:
        facet = self._facets.burn(wide)
        inside = facet >= 0
        number = facet[inside]
        y, x = np.broadcast_to(rows[:, None], facet.shape)[inside], np.broadcast_to(cols, facet.shape)[inside]
        courses = np.sin(2 * np.pi * (x * self._facet_waves[number, 0] + y * self._facet_waves[number, 1]))
        worn = 1 + 0.035 * courses + (0.05 * grain[0] + 0.05 * grain[1] + 0.03 * grain[2])[inside]
        image[:, inside] = self._facet_colour[number].T * worn


def _column(values: Sequence[float]) -> Pixels:
    return np.array(values, dtype=np.float32)[:, None, None]


def _noise_tile(rng: np.random.Generator, sigma: float) -> Pixels:
    """Return seamless noise with mean 0 and standard deviation 1."""
    smooth = gaussian_filter(rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE), dtype=np.float32), sigma, mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std(), dtype=np.float32)


def _tree_shadows(crowns: NDArray[Any], radii: NDArray[np.float64]) -> NDArray[Any]:
    """Return the ground that trees hide from the sun: their crowns, drawn out along the light."""
    corners = shapely.get_coordinates(crowns).reshape(len(crowns), -1, 2)
    reach = (_AWAY * radii[:, None] * _TREE_HEIGHT_PER_RADIUS / _SUN_SLOPE)[:, None, :]
    return np.asarray(shapely.convex_hull(shapely.multipoints(np.concatenate([corners, corners + reach], axis=1))))


def _building_shadow(outline: Any, height: float) -> Any:
    """Return the ground that a building hides from the sun: its outline, moved along the light."""
    steps = [translate(outline, *(_AWAY * height / _SUN_SLOPE * share)) for share in (0.0, 0.34, 0.67, 1.0)]
    return shapely.union_all([shapely.convex_hull(shapely.union(one, other)) for one, other in pairwise(steps)])
