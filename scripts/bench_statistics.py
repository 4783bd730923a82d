"""The statistics part of the bench: a pass over compressed tiles beside reading them, and a split of 100 000 tiles."""

import statistics
import time
from pathlib import Path

import numpy as np
import shapely
from bench_imagery import LARGE, REPEATS, Figures, draw_scene
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from geoseg.geoseg_plugin.engine.datasets.ahead import map_ahead
from geoseg.geoseg_plugin.engine.datasets.dataset import TEST, VALIDATION, Dataset, Tile, open_dataset
from geoseg.geoseg_plugin.engine.datasets.footprints import outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground
from geoseg.geoseg_plugin.engine.datasets.splitting.ground_split import split_on_ground
from geoseg.geoseg_plugin.engine.datasets.tile_table import TileTable
from geoseg.geoseg_plugin.engine.raster import open_raster, read_window
from geoseg.geoseg_plugin.engine.run import run
from rasterio.windows import Window

TILE = 512
ACROSS, STEP, FEWER = 316, 128, 4


def measure_statistics(figures: Figures, folder: Path, report: Report) -> None:
    """Statistics of 256 tiles beside reading them with as many threads, and the time of a split by tiles."""
    dataset = make_dataset(folder, report)
    request = TileStatistics(
        dataset=str(dataset.folder), tiles=str(folder / "stats.gpkg"), tile_stats=str(folder / "stats.csv"),
        summary=str(folder / "stats.json"),
    )  # fmt: skip
    reading, measuring = [], []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in map_ahead(read_tile, dataset.tiles):
            pass
        reading.append(time.perf_counter() - started)
        started = time.perf_counter()
        run(request, report)
        measuring.append(time.perf_counter() - started)
    figures.add("tile statistics / reading", statistics.median(measuring), statistics.median(reading))
    figures.add("split 100 000 / 6 000 tiles", split_seconds(ACROSS, report), split_seconds(ACROSS // FEWER, report))


def make_dataset(folder: Path, report: Report) -> Dataset:
    """Cut a scene into deflate tiles without labels."""
    scene = draw_scene(folder / "statistics.tif", (0, 0), LARGE)
    output = str(folder / "statistics")
    run(
        MakeTiles(images=(scene,), tile_size=TILE, overlap=0, compression="deflate", validation=0, output=output),
        report,
    )
    return open_dataset(output)


def read_tile(tile: Tile) -> None:
    with open_raster(str(tile.image)) as opened:
        read_window(opened, Window(0, 0, opened.width, opened.height))


def split_seconds(across: int, report: Report) -> float:
    """Return the time that a split of tiles takes that overlap by half."""
    col, row = (STEP * axis.ravel() for axis in np.meshgrid(np.arange(across), np.arange(across)))
    count = len(col)
    zeros, ones = np.zeros(count, dtype=np.int64), np.ones((count, 1))
    tiles = TileTable(
        ids=np.arange(count).astype(str).astype(object), scenes=np.full(count, "scene", dtype=object),
        splits=np.full(count, "train", dtype=object), rows=row, cols=col, heights=zeros + 2 * STEP,
        widths=zeros + 2 * STEP, valid=zeros + 1, minimum=ones, maximum=ones, mean=ones, std=ones,
        counts=np.random.default_rng(0).integers(0, 999, (count, 5)),
    )  # fmt: skip
    polygons = shapely.box(col, row, col + 2 * STEP, row + 2 * STEP)
    ground = Ground.of(outlines_of(polygons), zeros, np.full((count, 2), 2 * STEP))
    started = time.perf_counter()
    split_on_ground(
        tiles, ground, shares={VALIDATION: 20.0, TEST: 10.0}, tile_size=2 * STEP, seed=1, report=report,
    )  # fmt: skip
    return time.perf_counter() - started
