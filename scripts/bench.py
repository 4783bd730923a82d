"""Measure GeoSeg against plain baselines; runs with the engine's Python and build/src on its path.

    PYTHONPATH=build/src build/env/engine/bin/python scripts/bench.py

PARTS=names chooses among imagery, labels, datasets, statistics, starts, imports, prediction, memory and training.
Prints one line per figure (name, value, baseline, ratio = value / baseline; seconds, medians) and writes all of them to
build/bench.json, in half an hour. Baselines: of a start, the bare program; of loading the plugin, QGIS's own plugin
Processing, in time on the processor; of imports, the bare interpreter; of a prediction, the time inside the network, or
that with onnxruntime, and of pixels with other classes (%) the most that there may be; of training, the same steps on
batches that are in memory; of tiling, gdal_retile and a plain loop over rasterio windows; of clipping, mosaicking and
rasterizing, the GDAL commands that do the same with as many threads; of tile statistics, reading the tiles; of a split,
one of fewer tiles; of a peak of memory (MB), that on a scene a quarter as large or with fewer tiles.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_datasets import measure_datasets
from bench_imagery import measure_imagery
from bench_labels import measure_labels
from bench_prediction import measure_prediction, measure_prediction_memory
from bench_statistics import measure_statistics
from bench_training import measure_training

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 3
ENGINE = "geoseg.geoseg_plugin.engine"
IMPORTS = {
    "clip": f"import {ENGINE}.imagery.clip",
    "predict_onnx": f"import {ENGINE}.prediction.predict, {ENGINE}.prediction.networks.onnx_network",
    "predict_torch": f"import {ENGINE}.prediction.predict, {ENGINE}.prediction.networks.torch_network\n"
    "import segmentation_models_pytorch",
    "train": f"import {ENGINE}.training.train, segmentation_models_pytorch",
}


class Silence:
    """A Report that keeps the metrics and nothing else."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}

    def progress(self, fraction: float, text: str = "") -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def detail(self, text: str) -> None: ...

    def metric(self, name: str, value: float, step: int) -> None:
        self.metrics[name] = value

    def is_cancelled(self) -> bool:
        return False


class Figures:
    """What was measured so far."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str | float]] = []
        print(f"{'name':32} {'value':>9} {'baseline':>9} {'ratio':>7}")

    def add(self, name: str, value: float, baseline: float) -> None:
        """Print and keep a figure in seconds and its baseline."""
        ratio = value / baseline
        self.rows.append({"name": name, "value": value, "baseline": baseline, "ratio": ratio})
        print(f"{name:32} {value:9.3f} {baseline:9.3f} {ratio:7.3f}", flush=True)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cores": os.cpu_count(), "figures": self.rows}, indent=1), encoding="utf-8")


def main() -> int:
    figures = Figures()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "imagery": lambda: measure_imagery(figures, folder, Silence()),
            "labels": lambda: measure_labels(figures, folder, Silence()),
            "datasets": lambda: measure_datasets(figures, folder, Silence()),
            "statistics": lambda: measure_statistics(figures, folder, Silence()),
            "starts": lambda: measure_starts(figures, folder),
            "imports": lambda: measure_imports(figures),
            "prediction": lambda: measure_prediction(figures, folder, Silence()),
            "memory": lambda: measure_prediction_memory(figures, folder),
            "training": lambda: measure_training(figures, folder, Silence()),  # last: it keeps freed memory
        }
        for part in re.findall(r"\w+", os.environ.get("PARTS", "")) or parts:
            parts[part]()
    figures.write(ROOT / "build" / "bench.json")
    return 0


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time that the work takes."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def call(command: list[str], **options: object) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True, **options)


def measure_starts(figures: Figures, folder: Path) -> None:
    """qgis_process with and without the plugin, and loading it; the worker until it says hello."""
    script = ROOT / "scripts" / "qgis_process"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile")}
    program = shutil.which("qgis_process.bin") or "qgis_process"
    bare = [program, "help", "native:buffer"]
    run_with, run_without = call([str(script), "help", "geoseg:clipraster"]), call(bare, env=environment)
    run_with(), run_without()
    figures.add("qgis_process start", seconds(run_with), seconds(run_without))
    loads = [load_plugin() for _ in range(REPEATS)]
    figures.add("plugin load", *(statistics.median(times) for times in zip(*loads, strict=True)))
    figures.add("worker start", seconds(start_worker, 7), seconds(call([sys.executable, "-c", "pass"]), 7))


def load_plugin() -> tuple[float, float]:
    """Return the seconds that loading the plugin takes, and those of QGIS's own plugin Processing."""
    command = [str(ROOT / "build" / "env" / "qgis" / "bin" / "python"), str(ROOT / "scripts" / "load_plugin.py")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONPATH", None)  # the engine's
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    facts = json.loads(said.splitlines()[-1])
    return facts["seconds"], facts["processing_seconds"]


def start_worker() -> None:
    """Start a worker, wait for its first line, and let it go."""
    command = [sys.executable, "-u", "-s", "-E", str(ROOT / "geoseg_plugin"), "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        worker.stdout.readline()
        worker.kill()


def measure_imports(figures: Figures) -> None:
    """What a stage imports before it can work."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    bare = seconds(call([sys.executable, "-c", "pass"], env=environment))
    for name, code in IMPORTS.items():
        figures.add(f"imports {name}", seconds(call([sys.executable, "-c", code], env=environment)), bare)


if __name__ == "__main__":
    sys.exit(main())
