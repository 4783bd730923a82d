"""The layout of MakeTiles that takes the tiles of the DLTile grid."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.datasets import MakeTiles
from ...imagery.cutout import Outline
from ...vector import reproject
from .coverage import read_coverage
from .dltile import TileGrid
from .positions import check_count, squares
from .scenes import Scene
from .sheet import Sheet

_ZONE_DEG = 6
_SOUTHERNMOST_DEG, _NORTHERNMOST_DEG = -80, 84
_WIDEST_DEG = 180
_STEPS = 256  # along the longest side of an outline: what is straight in one CRS is bent in another
_SLIVER_PX = 0.01


def lay_out_dltiles(request: MakeTiles, scenes: Sequence[Scene], report: Report) -> tuple[Sheet, ...]:
    """Return the tiles of the DLTile grid whose cells lie on the scenes, a sheet for every scene and UTM zone.

    Of COVERAGE, where it is given, cells must touch a feature. Where several scenes share a tile, the names of its
    files end in those of the scenes.

    Raises:
        InputError: A scene has no CRS, lies beyond the UTM zones, or no tile is left.
    """
    wanted = read_coverage(request.coverage, report) if request.coverage else None
    sheets: list[Sheet] = []
    for scene in scenes:
        for zone, area in find_zones(scene):
            stop_if_cancelled(report)
            cell = request.tile_size - 2 * request.padding
            grid = TileGrid(cell, request.padding, float(request.pixel_size or 0), zone)
            shapes = None if wanted is None else reproject(wanted.geometries, wanted.crs, grid.crs)
            cells = _find_cells(grid, area, shapes)
            if len(cells):
                sheets.append(_sheet(scene, grid, cells))
    if not sheets:
        what = f"feature of {request.coverage}" if request.coverage else "tile"
        raise InputError(f"No {what} lies on the images.", "Check that they state the right CRS.")
    if len(scenes) == 1:
        return tuple(sheets)
    times = Counter(name for sheet in sheets for name in sheet.names)
    return tuple(
        replace(one, names=[name if times[name] == 1 else f"{name}_{one.scene.name}" for name in one.names])
        for one in sheets
    )


def find_zones(scene: Scene) -> Iterator[tuple[int, Any]]:
    """Return the UTM zones that a scene lies in, and the part of it there, in degrees of WGS 84.

    Raises:
        InputError: It has no CRS, or reaches beyond the UTM zones, or half around the world.
    """
    if scene.grid.crs is None:
        raise InputError(f"{scene.path} has no CRS, which the DLTile grid needs.", "Give it its CRS first.")
    edge = shapely.Polygon(Outline.of_grid(scene.grid, scene.path).points)
    lon, lat = shapely.get_coordinates(reproject(np.array([edge]), scene.grid.crs, CRS.from_epsg(4326))).T
    finite = bool(np.isfinite([lon, lat]).all())
    if finite:
        lon = lon[0] + (lon - lon[0] + 180) % 360 - 180  # without a jump at the antimeridian
    if not finite or np.ptp(lon) >= _WIDEST_DEG or lat.min() < _SOUTHERNMOST_DEG or lat.max() > _NORTHERNMOST_DEG:
        raise InputError(
            f"{scene.path} reaches beyond the zones of UTM, which end at 80 degrees south and 84 degrees north, or "
            "half around the world.",
            "Clip it first, or choose another LAYOUT.",
        )
    outline = shapely.Polygon(np.column_stack([lon, lat]))
    for number in range(math.floor(lon.min() / _ZONE_DEG), math.floor(lon.max() / _ZONE_DEG) + 1):
        west = number * _ZONE_DEG
        part = shapely.intersection(
            outline, shapely.box(west, _SOUTHERNMOST_DEG, west + _ZONE_DEG, _NORTHERNMOST_DEG)
        )  # fmt: skip
        if shapely.area(part) > 0:
            yield (number + 30) % 60 + 1, part


def _find_cells(grid: TileGrid, area: Any, shapes: NDArray[Any] | None) -> NDArray[np.int64]:
    """Return ti and tj (N, 2) of the cells that lie on an area in degrees, from north to south and west to east.

    Args:
        grid: The tiles.
        area: The area.
        shapes: Of these, in the CRS of the grid, a cell must touch one; None where it need not.
    """
    west, south, east, north = shapely.bounds(area)
    dense = shapely.segmentize(area, max(east - west, north - south) / _STEPS)
    there = reproject(np.array([dense]), CRS.from_epsg(4326), grid.crs)[0]
    there = shapely.buffer(there, -_SLIVER_PX * grid.resolution, join_style="mitre")
    if shapely.is_empty(there):
        return np.empty((0, 2), dtype=np.int64)
    left, bottom, right, top = shapely.bounds(there)
    across = np.arange(math.floor(grid.columns(left)), math.floor(grid.columns(right)) + 1)
    down = np.arange(math.floor(grid.rows(bottom)), math.floor(grid.rows(top)) + 1)[::-1]
    check_count(len(across) * len(down))
    cells = np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1).reshape(-1, 2)[:, ::-1]
    x, y = 500_000 + cells[:, 0] * grid.step, cells[:, 1] * grid.step
    boxes = shapely.box(x, y, x + grid.step, y + grid.step)
    shapely.prepare(there)
    kept = shapely.intersects(there, boxes)
    if shapes is not None:
        kept &= np.isin(np.arange(len(boxes)), shapely.STRtree(boxes).query(shapes, predicate="intersects")[1])
    return np.asarray(cells[kept], dtype=np.int64)


def _sheet(scene: Scene, grid: TileGrid, cells: NDArray[np.int64]) -> Sheet:
    west, south = cells.min(axis=0).tolist()
    east, north = cells.max(axis=0).tolist()
    corners = np.column_stack([north - cells[:, 1], cells[:, 0] - west]) * grid.cell
    names = [grid.file_name(ti, tj) for ti, tj in cells.tolist()]
    return Sheet(
        scene, grid.grid(west, south, east, north), names, squares(corners, grid.cell + 2 * grid.padding)
    )  # fmt: skip
