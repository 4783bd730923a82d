"""The training part of the bench: the loop beside the same network fed from memory, from tiles and from scenes."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_datasets import draw_labels
from bench_imagery import Figures, draw_scene
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.allocation import keep_freed_memory
from geoseg.geoseg_plugin.engine.run import run
from geoseg.geoseg_plugin.engine.training.loop import Loop
from geoseg.geoseg_plugin.engine.training.plan import make_plan, prepare_course
from geoseg.geoseg_plugin.engine.training.training_data import open_training_data

SIDE, TILE = 2048, 512
ROUNDS = 5


def measure_training(figures: Figures, folder: Path, report: Report) -> None:
    """Seconds of an epoch of the default network, with all defaults, beside its steps on batches that are there."""
    keep_freed_memory()  # as training does
    scene = draw_scene(folder / "scene-to-learn.tif", (0, 0), SIDE)
    labels = draw_labels(folder / "labels-to-learn.tif", scene)
    sources = {"images": (scene,), "labels": (labels,)}
    tiles = str(folder / "tiles-to-learn")
    run(MakeTiles(**sources, tile_size=TILE, overlap=0, validation=15, output=tiles), report)
    for name, source in (
        ("tiles", {"dataset": tiles}),
        ("scenes", {**sources, "tile_size": TILE, "overlap": 0, "validation": 15}),
    ):
        request = TrainSegmentation(**source, model=str(folder / "model.safetensors"), device="cpu")
        with prepared(request, report) as loop:
            figures.add(f"train from {name}", *measure_rounds(loop))


@contextmanager
def prepared(request: TrainSegmentation, report: Report) -> Iterator[Loop]:
    """Give the loop of a training, ready to begin."""
    with open_training_data(request, report) as dataset:
        plan = make_plan(request, dataset, report)
        yield Loop(prepare_course(request, dataset, plan, {}, report), request, report)


def measure_rounds(loop: Loop) -> tuple[float, float]:
    """Return the median seconds of an epoch without its measurement, and of its steps alone, which take turns."""
    whole, bare = [], []
    for number in range(1, ROUNDS + 1):
        batches = list(loop.course.batches.drawn(loop.course.learned, loop.course.sampler.draw(number), 0, number))
        started = time.perf_counter()
        loop.learn(number)
        whole.append(time.perf_counter() - started)
        loop.course.network.train()
        started = time.perf_counter()
        for batch in batches:
            loop.state.learner.step([batch], loop.course.learning_rate)
        bare.append(time.perf_counter() - started)
    return statistics.median(whole), statistics.median(bare)
