"""The imagery part of the bench: clipping and mosaicking beside the GDAL commands that do the same, and peak memory."""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.imagery import LAST, ClipRaster, MosaicRasters
from geoseg.geoseg_plugin.engine.raster import geotiff_profile
from geoseg.geoseg_plugin.engine.run import run
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import zoom

LARGE, MEDIUM, SMALL = 8192, 4096, 2048
WINDOW_SIDE, WINDOW_AT = 4096, 1000
TILE_STEP, TILES_PER_SIDE = 1920, 4
REPEATS = 5
CORNER, PIXEL_M = (300_000.0, 3_000_000.0), 0.5
ENGINE = [sys.executable, "-s", "-E", str(Path(__file__).resolve().parents[1] / "geoseg_plugin")]
PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=2, stderr=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
# What GeoSeg writes with, so that both do the same work with as many threads.
SETTINGS = [
    text
    for option in ("TILED=YES", "COMPRESS=DEFLATE", "PREDICTOR=2", "NUM_THREADS=2", "BIGTIFF=IF_SAFER")
    for text in ("-co", option)
] + ["--config", "GDAL_NUM_THREADS", "2"]


class Figures(Protocol):
    """Where figures go."""

    def add(self, name: str, value: float, baseline: float) -> None:
        """Keep a figure and its baseline."""


def measure_imagery(figures: Figures, folder: Path, report: Report) -> None:
    """Measure what the GDAL commands can be compared with, and the peak memory of stages on two scenes."""
    scenes = {side: draw_scene(folder / f"scene-{side}.tif", (0, 0), side) for side in (LARGE, MEDIUM)}
    if shutil.which("gdal_translate"):
        measure_clip(figures, folder, scenes[LARGE], report)
        measure_mosaic(figures, folder, report)
    else:
        print("The GDAL commands are not installed: nothing to compare clipping and mosaicking with.")
    measure_memory(figures, folder, scenes)


def draw_scene(path: Path, at: tuple[int, int], side: int) -> str:
    """Write a square RGB scene, (column, row) of which lie `at`: fields with noise, as tiled deflate GeoTIFF."""
    random = np.random.default_rng(at)
    fields = np.stack([zoom(random.random((SMALL // 16, SMALL // 16)), 16, order=1) * 200 for _ in range(3)])
    profile = {**geotiff_profile("uint8", side, side, 3), "num_threads": 2, "photometric": "RGB"}
    x, y = CORNER[0] + PIXEL_M * at[0], CORNER[1] - PIXEL_M * at[1]
    with rasterio.open(
        path, "w", crs="EPSG:32645", transform=Affine(PIXEL_M, 0, x, 0, -PIXEL_M, y), **profile
    ) as dataset:
        for row in range(0, side, SMALL):
            for col in range(0, side, SMALL):
                noise = random.integers(0, 20, fields.shape)
                dataset.write((fields + noise).astype(np.uint8), window=Window(col, row, SMALL, SMALL))
    return str(path)


def measure_clip(figures: Figures, folder: Path, scene: str, report: Report) -> None:
    """A window of a scene, in the running engine and with the start of its process."""
    left, top = CORNER[0] + PIXEL_M * WINDOW_AT, CORNER[1] - PIXEL_M * WINDOW_AT
    right, bottom = left + PIXEL_M * WINDOW_SIDE, top - PIXEL_M * WINDOW_SIDE
    extent = f"{left},{right},{bottom},{top}"
    ours, theirs, whole = folder / "clip.tif", folder / "translated.tif", folder / "process.tif"
    warped = folder / "warped.tif"
    times = race(
        {
            ours: lambda: run(ClipRaster(input=scene, extent=extent, output=str(ours)), report),
            whole: lambda: call(
                [*ENGINE, "clip-raster", "--input", scene, f"--extent={extent}", "--output", str(whole)]
            ),
            theirs: lambda: call(
                ["gdal_translate", "-q", "-projwin", left, top, right, bottom, *SETTINGS, scene, str(theirs)]
            ),
            warped: lambda: call(
                ["gdalwarp", "-q", "-multi", "-wo", "NUM_THREADS=2", "-te", left, bottom, right, top, *SETTINGS, scene,
                 str(warped)]
            ),
        }
    )  # fmt: skip
    check_equal(ours, theirs, whole, warped)
    figures.add("clip / gdal_translate", times[ours], times[theirs])
    figures.add("clip / gdalwarp", times[ours], times[warped])
    figures.add("clip with start / gdal_translate", times[whole], times[theirs])


def measure_mosaic(figures: Figures, folder: Path, report: Report) -> None:
    """Sixteen tiles that overlap, the last on top."""
    places = [(col * TILE_STEP, row * TILE_STEP) for row in range(TILES_PER_SIDE) for col in range(TILES_PER_SIDE)]
    tiles = tuple(draw_scene(folder / f"tile-{col}-{row}.tif", (col, row), SMALL) for col, row in places)
    ours, theirs, virtual = folder / "mosaic.tif", folder / "translated-mosaic.tif", str(folder / "mosaic.vrt")

    def translate() -> None:
        call(["gdalbuildvrt", "-q", "-overwrite", virtual, *tiles])
        call(["gdal_translate", "-q", *SETTINGS, virtual, str(theirs)])

    times = race(
        {ours: lambda: run(MosaicRasters(inputs=tiles, method=LAST, output=str(ours)), report), theirs: translate}
    )
    check_equal(ours, theirs)
    figures.add("mosaic / gdalbuildvrt + translate", times[ours], times[theirs])


def measure_memory(figures: Figures, folder: Path, scenes: dict[int, str]) -> None:
    """Peak memory in MB of a process on the large scene, beside the one on a scene a quarter as large."""
    output = str(folder / "memory.tif")
    grid = f"{CORNER[0]},{CORNER[0] + PIXEL_M * LARGE},{CORNER[1] - PIXEL_M * LARGE},{CORNER[1]}"
    stages = {
        "clip-raster": lambda scene: ["--input", scene, f"--extent={grid}"],
        "rescale-image": lambda scene: ["--input", scene],
        "mosaic-rasters": lambda scene: ["--inputs", scene, scene],
        "stack-bands": lambda scene: ["--inputs", scene, scene],
    }
    for stage, options in stages.items():
        peaks = [peak_mb([*ENGINE, stage, *options(scenes[side]), "--output", output]) for side in (LARGE, MEDIUM)]
        figures.add(f"peak MB {stage}", *peaks)


def race(works: dict[Path, Callable[[], object]], repeats: int = REPEATS) -> dict[Path, float]:
    """Return the median time of each work, which writes the file it is listed under; they take turns."""
    times: dict[Path, list[float]] = {path: [] for path in works}
    for _ in range(repeats):
        for path, work in works.items():
            path.unlink(missing_ok=True)
            started = time.perf_counter()
            work()
            times[path].append(time.perf_counter() - started)
    return {path: statistics.median(taken) for path, taken in times.items()}


def call(command: list[object]) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def peak_mb(command: list[str]) -> float:
    """Return the largest memory of a process, started by a small one: a process begins with what its parent has."""
    done = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def check_equal(*paths: Path) -> None:
    """Stop unless all rasters have the same place and pixels."""
    first, *others = (read(path) for path in paths)
    for path, other in zip(paths[1:], others, strict=True):
        if other[0] != first[0] or not np.array_equal(first[1], other[1]):
            sys.exit(f"{paths[0].name} and {path.name} differ.")


def read(path: Path) -> tuple[Affine, NDArray[np.uint8]]:
    with rasterio.open(path) as dataset:
        return dataset.transform, dataset.read()
