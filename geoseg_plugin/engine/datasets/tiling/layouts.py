"""Which tiles are cut from which scene: one layout of MakeTiles each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...grid import Grid
from .positions import tile_offsets
from .scenes import Scene
from .sheet import Sheet


def lay_out(request: MakeTiles, scenes: tuple[Scene, ...], report: Report) -> tuple[Sheet, ...]:
    """Return the tiles to be cut, a sheet for each scene that has any.

    Args:
        request: What is asked for.
        scenes: The images.
        report: Hears what was left out.
    """
    return tuple(_sheet(scene, scene.grid, _even(scene.grid, request)) for scene in scenes)


def _even(grid: Grid, request: MakeTiles) -> NDArray[np.int64]:
    size = request.tile_size
    shared = round(size * request.overlap / 100)
    return _places(tile_offsets(grid.height, size, shared), tile_offsets(grid.width, size, shared), size)


def _places(rows: tuple[int, ...], cols: tuple[int, ...], size: int) -> NDArray[np.int64]:
    """Return places (N, 4) of tiles at all crossings of rows and columns, row by row."""
    corners = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.column_stack([corners, np.full_like(corners, size)])


def _sheet(scene: Scene, grid: Grid, places: NDArray[np.int64]) -> Sheet:
    names = [f"{scene.name}_{row:06d}_{col:06d}" for row, col in places[:, :2].tolist()]
    return Sheet(scene, grid, names, places)
