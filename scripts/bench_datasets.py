"""The datasets part of the bench: tiling beside gdal_retile and a plain loop, statistics, and very many tiles."""

import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from bench_imagery import ENGINE, LARGE, REPEATS, Figures, call, draw_scene, peak_mb
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.class_raster import create_class_raster
from geoseg.geoseg_plugin.engine.datasets.dataset import FOOTPRINTS, open_dataset
from geoseg.geoseg_plugin.engine.datasets.layer import write_footprints
from geoseg.geoseg_plugin.engine.datasets.measuring import measure_tile
from geoseg.geoseg_plugin.engine.datasets.placed import place_tiles
from geoseg.geoseg_plugin.engine.datasets.tiling.positions import tile_offsets
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.raster import open_raster, read_window
from geoseg.geoseg_plugin.engine.run import run
from rasterio.windows import Window
from scipy.ndimage import zoom

TILE = 512
CLASSES = ClassTable.named({0: "background", 1: "building", 2: "water", 3: "tree", 4: "road"})
# How tiles are laid out on disk, here and by GeoSeg.
TILE_PROFILE = {"driver": "GTiff", "interleave": "band", "blockysize": TILE, "height": TILE, "width": TILE}
SMALL_TILE, CLOSE, WIDE = 32, 6, 20  # sides and strides that make 100 000 and 10 000 tiles


def measure_datasets(figures: Figures, folder: Path, report: Report) -> None:
    """Measure tiling, with and without labels and overlap, statistics, and memory with very many tiles."""
    scene = draw_scene(folder / "scene-to-tile.tif", (0, 0), LARGE)
    labels = draw_labels(folder / "labels-to-tile.tif", scene)
    for overlap in (0, 50):
        measure_tiling(figures, folder, (scene,), overlap, report)
    measure_tiling(figures, folder, (scene, labels), 0, report)
    measure_statistics(figures, scene)
    measure_many(figures, folder)


def measure_tiling(
    figures: Figures, folder: Path, sources: tuple[str, ...], overlap: int, report: Report
) -> None:  # fmt: skip
    """Tiles of 512 pixels with all statistics and footprints, beside the same tiles without them."""
    ours, plain, gdal = folder / "ours", folder / "plain", folder / "gdal"
    scene, *labels = sources
    request = MakeTiles(
        images=(scene,), labels=tuple(labels), tile_size=TILE, overlap=overlap, validation=0, output=str(ours)
    )
    works: dict[Path, Callable[[], object]] = {
        ours: lambda: run(request, report),
        plain: lambda: cut_plainly(sources, plain, overlap),
        folder / "read": lambda: [read_once(source) for source in sources],
    }
    if shutil.which("gdal_retile.py") and not labels:
        works[gdal] = lambda: retile(scene, gdal, overlap)
    times = race(works)
    name = f"tiles, {overlap} % overlap" + ", labels" * len(labels)
    figures.add(f"{name} / rasterio loop", times[ours], times[plain])
    if gdal in times:
        figures.add(f"{name} / gdal_retile", times[ours], times[gdal])
    figures.add(f"{name}: only reading", times[folder / "read"], times[ours])


def cut_plainly(sources: tuple[str, ...], folder: Path, overlap: int) -> None:
    """Read window by window, and write each as a GeoTIFF; nothing else."""
    folder.mkdir()
    offsets = tile_offsets(LARGE, TILE, round(TILE * overlap / 100))
    for kind, source in enumerate(sources):
        with rasterio.open(source) as dataset:
            profile = {**TILE_PROFILE, "dtype": "uint8", "count": dataset.count, "crs": dataset.crs}
            profile |= {"nodata": dataset.nodata, "photometric": "minisblack"}
            for row in offsets:
                for col in offsets:
                    window = Window(col, row, TILE, TILE)
                    transform = dataset.window_transform(window)
                    with rasterio.open(folder / f"{kind}_{row}_{col}.tif", "w", transform=transform, **profile) as tile:
                        tile.write(dataset.read(window=window))


def retile(scene: str, folder: Path, overlap: int) -> None:
    folder.mkdir()
    options = ["-co", "INTERLEAVE=BAND", "-co", f"BLOCKYSIZE={TILE}", "-overlap", round(TILE * overlap / 100)]
    call(["gdal_retile.py", "-q", "-ps", TILE, TILE, *options, "-targetDir", folder, scene])


def read_once(source: str) -> None:
    """Read a raster from top to bottom as GeoSeg does."""
    with open_raster(source) as dataset:
        for row in range(0, dataset.height, TILE):
            read_window(dataset, Window(0, row, dataset.width, TILE))


def measure_statistics(figures: Figures, scene: str) -> None:
    """All statistics of the scene in pieces of 512 pixels, beside reading it, both on one core at a time."""
    reading = measuring = 0.0
    whole, no_classes = np.ones((TILE, TILE), np.bool_), np.zeros(0, np.int64)
    with rasterio.Env(GDAL_NUM_THREADS="1"), rasterio.open(scene) as dataset:
        for row in range(0, LARGE, TILE):
            started = time.perf_counter()
            strip = dataset.read(window=Window(0, row, LARGE, TILE))
            reading += time.perf_counter() - started
            started = time.perf_counter()
            for col in range(0, LARGE, TILE):
                measure_tile(strip[:, :, col : col + TILE], whole, None, no_classes)
            measuring += time.perf_counter() - started
    figures.add("statistics / decompression", measuring, reading)


def measure_many(figures: Figures, folder: Path) -> None:
    """Peak memory in MB with very many tiles, beside that with few; and the time that their layer takes."""
    scene = draw_scene(folder / "small-scene.tif", (0, 0), 2048)
    peaks, times, counts = {}, {}, {}
    for stride in (CLOSE, WIDE):
        output = str(folder / f"tiles-{stride}")
        options = ["--tile-size", SMALL_TILE, "--layout", "stride", "--stride", stride, "--validation", "0"]
        started = time.perf_counter()
        peaks[stride] = peak_mb([*ENGINE, "make-tiles", "--images", scene, *map(str, options), "--output", output])
        times[stride] = time.perf_counter() - started
        counts[stride] = len(open_dataset(output).tiles)
    which = f"{counts[CLOSE]} / {counts[WIDE]} tiles"
    figures.add(f"peak MB of {which}", peaks[CLOSE], peaks[WIDE])
    figures.add(f"time of {which}", times[CLOSE], times[WIDE])
    dataset = open_dataset(str(folder / f"tiles-{CLOSE}"))
    placed = place_tiles(dataset)
    tiles = placed.table()
    (folder / "layer").mkdir()
    started = time.perf_counter()
    write_footprints(folder / "layer", tiles, placed.polygons, placed.crs, dataset.classes)
    figures.add(f"{FOOTPRINTS} of {len(tiles)} / all", time.perf_counter() - started, times[CLOSE])


def race(works: dict[Path, Callable[[], object]]) -> dict[Path, float]:
    """Return the median time of each work, which makes the folder it is listed under; they take turns."""
    times: dict[Path, list[float]] = {path: [] for path in works}
    for _ in range(REPEATS):
        for path, work in works.items():
            os.sync()  # so that none waits for what another has left to be written
            started = time.perf_counter()
            work()
            times[path].append(time.perf_counter() - started)
            shutil.rmtree(path, ignore_errors=True)
    return {path: statistics.median(taken) for path, taken in times.items()}


def draw_labels(path: Path, scene: str) -> str:
    """Write fields of five classes on the grid of the scene, whose sides are multiples of 512."""
    small = zoom(np.random.default_rng(0).random((64, 64)), 8, order=1) * len(CLASSES)
    with rasterio.open(scene) as like:
        grid = Grid.of(like)
    strip = np.tile(small.astype(np.uint8), (1, grid.width // small.shape[1]))
    with create_class_raster(path, grid, CLASSES, {}) as dataset:
        for row in range(0, grid.height, len(strip)):
            dataset.write(strip, 1, window=Window(0, row, grid.width, len(strip)))
    return str(path)
