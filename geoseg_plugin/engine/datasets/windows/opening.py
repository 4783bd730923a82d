"""A dataset that is not written: the tiles that would be cut of scenes are read from these, window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...raster import open_raster
from ..dataset import Dataset, Tile, describe_as_json, fingerprint
from ..tile_table import TileTable
from ..tiling.describing import describe
from ..tiling.division import divide
from ..tiling.layouts import lay_out
from ..tiling.scenes import Scene, find_scenes
from ..tiling.sheets import cut_sheets
from ..tiling.sources import LabelSource, find_labels
from ..tiling.strip_memory import StripMemory
from ..tiling.tile_sizes import settle_tile_size
from .windows import Windows

_READY_LABELS = 16  # sheets
_MANY_TIMES = 16


@contextmanager
def open_windows(request: MakeTiles, report: Report, room: int) -> Iterator[Dataset]:
    """Give the dataset that a request would make, whose tiles can be read until the block ends.

    The scenes are read once, for what is to be known of each tile. What fits into memory stays there; the rest is read
    again whenever it is asked for.

    Args:
        request: Images, labels, class field, tile size, overlap, share of validation, seed; the rest is as by default.
        report: Hears of the progress, and what making the dataset would say.
        room: How many bytes of pixels may stay in memory.

    Raises:
        InputError: An input cannot be read or does not fit the others, no tile is left, or they cannot be split.
        RequestError: LABELS is missing or mixes kinds.
        Cancelled: The user has asked to stop.
    """
    scenes = find_scenes(request, report)
    request = settle_tile_size(request, scenes, report)
    labels = find_labels(request, scenes, report, ready=_READY_LABELS)
    if labels is None:
        raise RequestError("LABELS is missing.", "Give label rasters or a vector layer.")
    sheets = lay_out(request, scenes, report)
    memory = StripMemory(room)
    outcomes = cut_sheets(request, sheets, labels, report, memory=memory)
    tiles = divide(request, outcomes, report)
    _tell(request, tiles.table, scenes, memory, report)
    description = describe(request, scenes, sheets, labels.classes, tiles.table)
    listed = _list(tiles.table, scenes, labels)
    # Labels of the same scenes may change, which the description does not tell.
    counted = sha256(tiles.table.counts.tobytes()).hexdigest()
    with closing(Windows(request, labels, outcomes, tiles, memory)) as windows:
        yield Dataset(
            **vars(description), folder=Path(scenes[0].path).absolute().parent, tiles=listed,
            fingerprint=fingerprint(describe_as_json(description) + counted, listed), source=windows,
        )  # fmt: skip


def _tell(
    request: MakeTiles, tiles: TileTable, scenes: tuple[Scene, ...], memory: StripMemory, report: Report
) -> None:  # fmt: skip
    images, side = "an image" if len(scenes) == 1 else f"{len(scenes)} images", request.tile_size
    text = f"{len(tiles)} windows of {side} pixels a side are read from {images}"
    if memory.kept_share == 1:
        report.note(f"{text}; all pixels stay in memory.")
        return
    report.note(
        f"{text}; {100 * memory.kept_share:.0f} % of the pixels stay in memory, the others are read every time."
    )
    height, width, times = max((_blocks(scene, side) for scene in scenes), key=lambda blocks: blocks[-1])
    if times > _MANY_TIMES:
        report.warn(
            f"Pixels lie in the images in blocks of {width} x {height}, of which a window takes {times:.0f} times as "
            "many pixels as it has: save the images as Cloud Optimized GeoTIFFs first, or make tiles of them."
        )


def _blocks(scene: Scene, side: int) -> tuple[int, int, float]:
    """Return height and width of the blocks of a scene, and how many times the pixels of a window are decoded."""
    with open_raster(scene.path) as dataset:
        height, width = dataset.block_shapes[scene.bands[0] - 1]
        rows, cols = _reach(side, height, dataset.height), _reach(side, width, dataset.width)
    return height, width, rows * cols / side**2


def _reach(side: int, block: int, length: int) -> int:
    """Return how far the blocks reach that a window touches, along a side of the image: all, or as many as may be."""
    return min((math.ceil((side - 1) / block) + 1) * block, length)


def _list(tiles: TileTable, scenes: tuple[Scene, ...], labels: LabelSource) -> tuple[Tile, ...]:
    """Return the tiles; where scenes share no layer, label rasters come in the order of the scenes."""
    paths = labels.paths if len(labels.paths) == len(scenes) else labels.paths[:1] * len(scenes)
    files = {scene.name: (Path(scene.path), Path(label)) for scene, label in zip(scenes, paths, strict=True)}
    columns = zip(tiles.ids, tiles.scenes, tiles.splits, strict=True)
    return tuple(Tile(name, scene, split, *files[scene]) for name, scene, split in columns)
