"""Which tiles are cut from which scene, in the layout asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.datasets import COVERAGE, DLTILE, EARLIER, RANDOM, STRIDE, MakeTiles
from ...grid import Grid
from ...imagery.paths import name_some
from .coverage import places_around, read_coverage
from .dltile_layout import lay_out_dltiles
from .earlier import lay_out_earlier
from .positions import cross, random_places, settle, stride_offsets, tile_offsets
from .resampled import check_resampling, check_units, target_grid
from .scenes import Scene
from .sheet import PlaceNames, Sheet

_ONLY_FOR = {
    "coverage": (COVERAGE, DLTILE), "earlier": (EARLIER,), "stride": (STRIDE,), "padding": (DLTILE,),
    "count": (RANDOM,),
}  # fmt: skip


def lay_out(request: MakeTiles, scenes: tuple[Scene, ...], report: Report) -> tuple[Sheet, ...]:
    """Return the tiles to be cut, a sheet for each scene and grid that has any.

    Args:
        request: What is asked for.
        scenes: The images.
        report: Hears what is left out.

    Raises:
        InputError: No tile is left, an image cannot be resampled, or COVERAGE or EARLIER does not fit the images.
        RequestError: PIXEL_SIZE cannot be meant for all images, or there would be too many tiles.
    """
    for name, layouts in _ONLY_FOR.items():
        if getattr(request, name) != getattr(MakeTiles, name) and request.layout not in layouts:
            report.warn(f"{name.upper()} is given, but LAYOUT '{request.layout}' makes no use of it.")
    if request.layout == DLTILE:
        sheets = lay_out_dltiles(request, scenes, report)
    elif request.layout == EARLIER:
        sheets = lay_out_earlier(request, scenes, report)
    else:
        sheets = _lay_out_on_scenes(request, scenes, report)
    empty = [sheet.scene.path for sheet in sheets if not len(sheet)]
    if len(empty) == len(sheets):
        raise InputError(
            f"No tile of {request.tile_size} pixels lies wholly inside an image: {name_some(empty)}.",
            "Give a smaller TILE_SIZE, or other EDGES than drop.",
        )
    if empty:
        report.warn(f"{len(empty)} of {len(sheets)} images have no tiles: {name_some(empty)}.")
    kept = tuple(sheet for sheet in sheets if len(sheet))
    for sheet in {sheet.scene.path: sheet for sheet in kept}.values():
        stop_if_cancelled(report)
        check_resampling(sheet, request.resampling, report)
    return kept


def _lay_out_on_scenes(request: MakeTiles, scenes: tuple[Scene, ...], report: Report) -> tuple[Sheet, ...]:
    if request.pixel_size is not None:
        check_units(scenes)
    grids = [target_grid(scene, request.pixel_size) for scene in scenes]
    sheets = []
    for scene, grid, places in zip(scenes, grids, _find_places(request, grids, report), strict=True):
        settled = settle(places, grid.height, grid.width, request.edges)
        names = PlaceNames(scene.name, settled)
        sheets.append(Sheet(scene, grid, names, settled, wanted=request.count if request.layout == RANDOM else None))
    return tuple(sheets)


def _find_places(request: MakeTiles, grids: Sequence[Grid], report: Report) -> list[NDArray[np.int64]]:
    """Return places (N, 4) of tiles on every grid, some of which may reach over its edge."""
    size = request.tile_size
    if request.layout == COVERAGE:
        return places_around(read_coverage(str(request.coverage), report), grids, size, report)
    if request.layout == RANDOM:
        return [
            random_places(grid.height, grid.width, size, request.count, (request.seed, number))
            for number, grid in enumerate(grids)
        ]
    shared = round(size * request.overlap / 100)
    if request.layout == STRIDE:
        stride = request.stride or size - shared
        return [
            cross(stride_offsets(grid.height, size, stride), stride_offsets(grid.width, size, stride), size)
            for grid in grids
        ]
    return [
        cross(tile_offsets(grid.height, size, shared), tile_offsets(grid.width, size, shared), size) for grid in grids
    ]
