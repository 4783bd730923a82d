"""The tiles that were kept: where they lie, and which of them are set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ..dataset import VALIDATION
from ..footprints import Footprints
from ..ground import Ground, is_placed, number_planes
from ..splitting.ground_split import split_on_ground
from ..tile_table import TileTable
from .outcomes import Outcomes
from .sheet import Sheet


@dataclass(frozen=True)
class DividedTiles:
    """The tiles kept (N): what is known of each, their footprints, and their planes (N,) as `number_planes` has it."""

    table: TileTable
    footprints: Footprints
    planes: NDArray[np.int64]


def divide(request: MakeTiles, outcomes: Outcomes, report: Report) -> DividedTiles:
    """Set tiles aside for validation, as whole blocks, unless an earlier dataset says which.

    Raises:
        InputError: They cannot be split.
    """
    sheets, kept = outcomes.sheets, tuple(outcomes.kept())
    table = outcomes.table()
    footprints = Footprints(tuple((sheet.grid, sheet.places[own]) for sheet, own in kept), sheets[0].grid.crs)
    placed = np.concatenate([np.full(len(own), is_placed(sheet.grid)) for sheet, own in kept])
    tiles = DividedTiles(table, footprints, number_planes(table.scenes, placed))
    given = [sheet.splits[own] for sheet, own in kept if sheet.splits is not None]
    if len(given) == len(sheets):
        return replace(tiles, table=table.with_splits(np.concatenate(given)))
    if request.validation == 0:
        return tiles
    _check_several(request, sheets, table)
    return replace(tiles, table=table.with_splits(_split(request, tiles, sheets[0].grid.pixel_size, report)))


def _split(
    request: MakeTiles, tiles: DividedTiles, pixel_size: tuple[float, float], report: Report
) -> NDArray[np.object_]:
    sizes = np.column_stack([tiles.table.heights, tiles.table.widths])
    ground = Ground.of(tiles.footprints.outlines(), tiles.planes, sizes, pixel_size=pixel_size)
    return split_on_ground(
        tiles.table, ground,
        shares={VALIDATION: request.validation}, tile_size=request.tile_size, block_size=request.block_size,
        seed=request.seed, report=report,
    )  # fmt: skip


def _check_several(request: MakeTiles, sheets: Sequence[Sheet], tiles: TileTable) -> None:
    grid, side = sheets[0].grid, request.tile_size
    if len(tiles) == len(sheets) == 1 and max(grid.height, grid.width) <= side:
        raise InputError(
            f"TILE_SIZE is {side}, but {sheets[0].scene.path} has only {grid.width} x {grid.height} pixels: one tile "
            "holds all of it, and nothing is left for validation.",
            "Give a smaller TILE_SIZE or more images, or set VALIDATION to 0.",
        )
