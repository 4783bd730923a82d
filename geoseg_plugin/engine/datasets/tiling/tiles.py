"""The stage that cuts images and labels into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ....contract.errors import InputError, RequestError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages import to_json
from ....contract.stages.datasets import MakeTiles, MakeTilesResult
from ...class_raster import class_dtype
from ...output import whole_folder
from ...provenance import VERSION_TAG
from ...raster import open_raster
from ...run import version
from ..dataset import (
    FOOTPRINTS,
    IMAGES,
    LABELS,
    TRAIN,
    UNUSED,
    VALIDATION,
    BandStatistics,
    Description,
    write_description,
)
from ..ground import OVERLAP_INSET_PX, footprints, shared_ground
from ..layer import write_footprints
from ..splitting.split import SplitTiles, assign_blocks, choose_block_size, split_tiles
from ..tile_table import TileTable
from .cutting import Cutter, CutTile
from .layouts import lay_out
from .scenes import Scene, find_scenes
from .sources import LabelSource, find_labels

_CUTTING_SHARE = 0.95
_MANY_TIMES = 20


def make_tiles(request: MakeTiles, report: Report) -> MakeTilesResult:
    """Cut IMAGES and LABELS into tiles, split them, and describe them.

    Raises:
        InputError: An input cannot be read or does not fit the others, or the tiles cannot be split.
        RequestError: LABELS mixes kinds.
        OutputError: OUTPUT is not empty, or cannot be written.
    """
    scenes = find_scenes(request, report)
    labels = find_labels(request, scenes, report)
    if labels is None:
        raise RequestError("LABELS is missing.", "Give LABELS.")
    with whole_folder(request.output) as folder:
        (folder / IMAGES).mkdir()
        (folder / LABELS).mkdir()
        cutter = Cutter(folder, labels.classes, {VERSION_TAG: version()})  # the request is in dataset.json
        cut = _cut_scenes(request, scenes, labels, cutter, report)
        report.progress(_CUTTING_SHARE, "Splitting tiles")
        split = _split(request, scenes, cut, report)
        tiles = _tabulate(cut, split)
        write_description(folder, _describe(request, scenes, labels.classes, tiles))
        polygons = footprints([tile.grid for tile in cut], scenes[0].grid.crs)
        write_footprints(folder, tiles, polygons, scenes[0].grid.crs, labels.classes)
    _warn_of_classes(labels.classes, tiles, report)
    train, held_out = int(split.train.sum()), int(split.validation.sum())
    report.note(f"{train} training tiles, {held_out} validation tiles.")
    return MakeTilesResult(
        output=request.output, tiles=str(Path(request.output) / FOOTPRINTS), tile_count=len(tiles),
        train_count=train, validation_count=held_out,
    )  # fmt: skip


def _tabulate(cut: Sequence[CutTile], split: SplitTiles) -> TileTable:
    moments = [tile.moments for tile in cut]
    return TileTable(
        ids=np.array([tile.id for tile in cut], dtype=object),
        scenes=np.array([tile.scene for tile in cut], dtype=object),
        splits=np.select([split.validation, split.lost], [VALIDATION, UNUSED], TRAIN).astype(object),
        rows=np.array([tile.row for tile in cut]),
        cols=np.array([tile.col for tile in cut]),
        heights=np.array([tile.grid.height for tile in cut]),
        widths=np.array([tile.grid.width for tile in cut]),
        valid=np.array([one.count for one in moments]),
        counts=np.stack([tile.counts for tile in cut]),
        minimum=np.stack([one.minimum for one in moments]),
        maximum=np.stack([one.maximum for one in moments]),
        mean=np.stack([one.mean for one in moments]),
        std=np.stack([one.std for one in moments]),
    )


def _cut_scenes(
    request: MakeTiles, scenes: Sequence[Scene], labels: LabelSource, cutter: Cutter, report: Report
) -> list[CutTile]:
    sheets = lay_out(request, tuple(scenes), report)
    total, done, cut = sum(map(len, sheets)), 0, list[CutTile]()
    _announce(total, request, scenes, labels.classes, report)
    for sheet in sheets:
        windows = tuple(Window(col, row, width, height) for row, col, height, width in sheet.places.tolist())
        with open_raster(sheet.scene.path) as dataset, labels.open(sheet) as truth:
            for tile in cutter.cut(sheet.scene, dataset, truth, windows):
                stop_if_cancelled(report)
                cut += [tile] if tile is not None else []
                done += 1
                report.progress(_CUTTING_SHARE * done / total, f"Cutting {sheet.scene.name}")
    labels.check_use()
    if not cut:
        paths = ", ".join(scene.path for scene in scenes[:3])
        raise InputError(
            f"None of the {total} tiles of {paths} has both image data and labels.",
            "Check the nodata values and the labels.",
        )
    if len(cut) < total:
        report.note(f"{total - len(cut)} of {total} tiles have no image data or no labels and are left out.")
    return cut


def _announce(
    total: int, request: MakeTiles, scenes: Sequence[Scene], classes: ClassTable, report: Report
) -> None:  # fmt: skip
    pixels = total * request.tile_size**2
    pixel_bytes = len(scenes[0].bands) * np.dtype(scenes[0].dtype).itemsize + np.dtype(class_dtype(classes)[0]).itemsize
    size = f"about {pixels * pixel_bytes / 1e6:,.1f} MB on disk"
    report.note(f"{total} tiles of {request.tile_size} pixels a side are cut, {size}.")
    times = pixels / sum(scene.grid.height * scene.grid.width for scene in scenes)
    if times > _MANY_TIMES:
        report.warn(
            f"The tiles hold {times:.0f} times the pixels of the images, {size}: check TILE_SIZE "
            f"({request.tile_size} pixels) and OVERLAP ({request.overlap:g} %)."
        )


def _split(request: MakeTiles, scenes: Sequence[Scene], tiles: Sequence[CutTile], report: Report) -> SplitTiles:
    if request.validation == 0:
        report.warn("VALIDATION is 0: without validation tiles nobody can tell how good a model is.")
    else:
        _check_several(tiles, scenes)
    index = {scene.name: number for number, scene in enumerate(scenes)}
    scene_of = np.array([index[tile.scene] for tile in tiles])
    shapes = [(scene.grid.height, scene.grid.width) for scene in scenes]
    centres = np.array([_centre(tile, scenes[index[tile.scene]]) for tile in tiles])
    size = request.block_size or choose_block_size(shapes, request.tile_size, request.validation or 100)
    blocks = assign_blocks(scene_of, centres, shapes, size)
    inset = footprints([tile.grid for tile in tiles], scenes[0].grid.crs, OVERLAP_INSET_PX)
    pairs = shared_ground(inset, _planes(scenes)[scene_of])
    places = shapely.get_coordinates(shapely.centroid(inset))
    counts = np.stack([tile.counts for tile in tiles])
    split = split_tiles(blocks, places, counts, pairs, share=request.validation, seed=request.seed)
    if split.lost.any():
        report.note(f"{int(split.lost.sum())} training tiles share ground with validation tiles and are set unused.")
    if request.validation:
        report.note(f"Blocks of about {size} pixels ({blocks.count} in all) were split.")
    return split


def _check_several(tiles: Sequence[CutTile], scenes: Sequence[Scene]) -> None:
    grid, side = scenes[0].grid, tiles[0].grid.height
    if len(tiles) == len(scenes) == 1 and max(grid.height, grid.width) <= side:
        raise InputError(
            f"TILE_SIZE is {side}, but {scenes[0].path} has only {grid.width} x {grid.height} pixels: one tile "
            "holds all of it, and nothing is left for validation.",
            "Give a smaller TILE_SIZE or more images, or set VALIDATION to 0.",
        )


def _centre(tile: CutTile, scene: Scene) -> tuple[float, float]:
    """Return row and column of the middle of that part of a tile that lies in its scene."""
    bottom, right = (
        min(tile.row + tile.grid.height, scene.grid.height),
        min(tile.col + tile.grid.width, scene.grid.width),
    )
    return (tile.row + bottom) / 2, (tile.col + right) / 2


def _planes(scenes: Sequence[Scene]) -> NDArray[np.int64]:
    """Number the planes that scenes lie in: one for all, but one each for scenes without any georeference."""
    return np.array([number + 1 if scene.grid.transform.is_identity else 0 for number, scene in enumerate(scenes)])


def _describe(request: MakeTiles, scenes: Sequence[Scene], classes: ClassTable, tiles: TileTable) -> Description:
    first = scenes[0]
    train = tiles.splits == TRAIN
    whole = tiles.take(train).moments()
    columns = (whole.mean, whole.std, whole.minimum, whole.maximum)
    statistics = tuple(
        BandStatistics(name, *(float(column[band]) for column in columns)) for band, name in enumerate(first.band_names)
    )
    made = {
        "geoseg": version(),
        "request": to_json(request),
        "scenes": [{"name": one.name, "path": one.path, "grid": one.grid.to_json()} for one in scenes],
        "train_tiles": int(train.sum()),
        "validation_tiles": int((tiles.splits == VALIDATION).sum()),
    }
    grid = first.grid.to_json()
    return Description(
        tile_size=request.tile_size,
        dtype=first.dtype,
        classes=classes,
        ignore_value=class_dtype(classes)[1],
        crs=grid["crs"],
        pixel_size=first.grid.pixel_size,
        statistics=statistics,
        made=made,
    )


def _warn_of_classes(classes: ClassTable, tiles: TileTable, report: Report) -> None:
    present = tiles.counts.sum(axis=0) > 0
    if present.sum() < 2:
        report.warn("All labels are of one class: a network can learn nothing from them.")
    if not present.all():
        report.warn(f"No tile holds {_quoted(classes, ~present)}.")
    for name in (TRAIN, VALIDATION):
        chosen = tiles.splits == name
        missing = present & (tiles.counts[chosen].sum(axis=0) == 0)
        if missing.any() and chosen.any():
            report.warn(f"No {name} tile holds {_quoted(classes, missing)}: give another SEED or a smaller BLOCK_SIZE.")


def _quoted(classes: ClassTable, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(f"'{one.name}'" for one, is_chosen in zip(classes, chosen, strict=True) if is_chosen)
