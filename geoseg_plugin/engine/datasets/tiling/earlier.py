"""The layout of MakeTiles that cuts the tiles of an earlier dataset once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.stages.datasets import EARLIER, MakeTiles
from ...grid import Grid, read_crs
from ...imagery.paths import name_some
from ..dataset import Dataset, open_dataset
from ..placed import place_tiles
from ..tile_table import TileTable
from .dltile import read_key
from .resampled import target_grid
from .scenes import Scene
from .sheet import Sheet


def adopt_earlier(request: MakeTiles, report: Report) -> MakeTiles:
    """Return the request as it is, or in the layout of an earlier dataset with the tile and pixel size of that.

    Raises:
        InputError: The dataset cannot be read.
    """
    if request.layout != EARLIER:
        return request
    dataset = open_dataset(str(request.earlier))
    pixel_size = _pixel_size(dataset)
    asked = request.tile_size or dataset.tile_size, request.pixel_size
    if asked != (dataset.tile_size, pixel_size):
        shown = "" if pixel_size is None else f" and PIXEL_SIZE {pixel_size:g}"
        report.warn(f"TILE_SIZE is {dataset.tile_size}{shown}, as in {request.earlier}, whatever else is asked for.")
    return replace(request, tile_size=dataset.tile_size, pixel_size=pixel_size)


def lay_out_earlier(request: MakeTiles, scenes: Sequence[Scene], report: Report) -> tuple[Sheet, ...]:
    """Return the tiles of EARLIER with their names and splits, on images of the grids of its scenes.

    An image stands for the scene of its name and grid, else for the only one of its grid. Where several images stand
    for one scene, the names of its tiles end in theirs.

    Raises:
        InputError: The dataset cannot be read or does not say its grids, no image has one of them, or one has several.
    """
    dataset = open_dataset(str(request.earlier))
    table = place_tiles(dataset).table()
    standing = _match(scenes, _recorded_grids(dataset), str(request.earlier), report)
    names = list(standing.values())
    sheets = [
        sheet
        for scene in scenes
        if scene.path in standing
        for sheet in _sheets(
            scene, table, standing[scene.path], _pixel_size(dataset), alone=names.count(standing[scene.path]) == 1
        )
    ]
    left = int((~np.isin(table.scenes.astype(str), names)).sum())
    if left:
        report.warn(
            f"{left} of {len(table.ids)} tiles of {request.earlier} lie on none of the images and are left out."
        )
    return tuple(sheets)


def _making(dataset: Dataset) -> dict[str, Any]:
    """Return how the tiles of a dataset were made, also where a copy of it was split anew."""
    made = dataset.made
    while "source" in made and made.get("request", {}).get("stage") != MakeTiles.id():
        made = made["source"]["made"]
    return made


def _pixel_size(dataset: Dataset) -> float | None:
    size = _making(dataset).get("request", {}).get("parameters", {}).get("pixel_size")
    return None if size is None else float(size)


def _recorded_grids(dataset: Dataset) -> dict[str, Grid]:
    try:
        return {
            str(one["name"]): Grid(
                read_crs(one["grid"]["crs"]) if one["grid"]["crs"] else None, Affine(*one["grid"]["transform"]),
                int(one["grid"]["height"]), int(one["grid"]["width"]),
            )
            for one in _making(dataset)["scenes"]
        }  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The dataset {dataset.folder} does not say on which grids its tiles lie.",
            "Choose one that 'Make training tiles' has made.",
        ) from error


def _match(scenes: Sequence[Scene], grids: Mapping[str, Grid], earlier: str, report: Report) -> dict[str, str]:
    """Return for images, by their paths, the names of the earlier scenes that they stand for."""
    standing: dict[str, str] = {}
    for scene in scenes:
        same = [name for name, grid in grids.items() if grid.is_same(scene.grid)]
        if scene.name in same:
            same = [scene.name]
        if len(same) > 1:
            raise InputError(
                f"{scene.path} has the grid of {len(same)} scenes of {earlier}: {name_some(same)}.",
                "Give it the name of the one whose tiles are to be cut.",
            )
        if same:
            standing[scene.path] = same[0]
    if not standing:
        known = "; ".join(f"{name} is {grid.describe()}" for name, grid in list(grids.items())[:3])
        raise InputError(
            f"No image has the grid of a scene of {earlier}: {scenes[0].path} is {scenes[0].grid.describe()}; {known}.",
            "Give images of the same grids.",
        )
    others = [scene.path for scene in scenes if scene.path not in standing]
    if others:
        report.warn(
            f"{len(others)} images have the grid of no scene of {earlier} and give no tiles: {name_some(others)}."
        )
    return standing


def _sheets(scene: Scene, table: TileTable, name: str, pixel_size: float | None, *, alone: bool) -> Iterator[Sheet]:
    """Return the tiles of one earlier scene: one sheet or, in the DLTile grid, one for each UTM zone."""
    own = np.flatnonzero(table.scenes.astype(str) == name)
    ids = [str(table.ids[at]) for at in own]
    zones = np.array([_key(one).split("#")[3] if "#" in one else "" for one in ids])
    for zone in np.unique(zones):
        some = own[zones == zone]
        places = np.column_stack([table.rows, table.cols, table.heights, table.widths])[some].astype(np.int64)
        chosen = [str(table.ids[at]) for at in some]
        grid = target_grid(scene, pixel_size) if not zone else _grid_of_key(_key(chosen[0]), places)
        starts, ends = places[:, :2], places[:, :2] + places[:, 2:]
        beside = (starts >= [grid.height, grid.width]).any(axis=1) | (ends <= 0).any(axis=1)
        if beside.any():
            raise InputError(
                f"The earlier tile {chosen[int(beside.argmax())]} does not lie on {scene.path}.",
                "Make EARLIER again with 'Make training tiles'.",
            )
        names = chosen if alone else [f"{one}_{scene.name}" for one in chosen]
        yield Sheet(scene, grid, names, places, table.splits[some].astype(object))


def _key(name: str) -> str:
    """Return the key that a tile of the DLTile grid is named after; a name of a scene may follow it."""
    return name.split("_", 1)[0]


def _grid_of_key(key: str, places: NDArray[np.int64]) -> Grid:
    """Return the grid on which tiles of the DLTile grid lie, the first of which has this key."""
    tiles, ti, tj = read_key(key)
    first = tiles.grid(ti, tj, ti, tj)
    row, col = places[0, :2].tolist()
    height, width = (places[:, :2] + places[:, 2:]).max(axis=0).tolist()
    return Grid(first.crs, first.transform @ Affine.translation(-col, -row), height, width)
