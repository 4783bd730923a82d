"""What is left when a run is cancelled, or one of its two processes is killed: no process, and nothing unfinished."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

WORKER_GOES_WITHIN_S = 10
CANCEL_WITHIN_S = 25


@pytest.fixture(scope="module")
def wide_scene(qgis_process, tmp_path_factory):
    """A scene large enough that every step on it lasts for some time: folder with scene.tif and labels.tif."""
    folder = tmp_path_factory.mktemp("wide")
    scene, labels = folder / "scene.tif", folder / "labels.shp"
    qgis_process.results("geoseg:demoscene", {"SIZE": 1024, "OUTPUT": scene, "LABELS": labels})
    qgis_process.results(
        "geoseg:rasterizelabels", {"LABELS": labels, "FIELD": "class", "LIKE": scene, "OUTPUT": folder / "labels.tif"}
    )
    return folder


@pytest.fixture(params=["maketiles", "trainsegmentation", "predictsegmentation"])
def long_run(request, qgis_process, chain, wide_scene, tmp_path):
    """A step that would last for minutes, started and at work; ended by force afterwards if need be."""
    output = tmp_path / "results"
    output.mkdir()
    parameters = {
        "maketiles": {
            "IMAGES": wide_scene / "scene.tif",
            "LABELS": wide_scene / "labels.tif",
            "TILE_SIZE": 64,
            "OVERLAP": 90,
            "OUTPUT": output / "dataset",
        },
        "trainsegmentation": {
            "DATASET": chain.folder / "dataset",
            "EPOCHS": 10000,
            "MODEL": output / "model.safetensors",
        },
        "predictsegmentation": {
            "INPUT": wide_scene / "scene.tif",
            "MODEL": chain.folder / "model.safetensors",
            "TILE_SIZE": 64,
            "OVERLAP": 75,
            "OUTPUT": output / "predicted.tif",
        },
    }[request.param]
    with (tmp_path / "log.txt").open("w") as log:
        run = LongRun(qgis_process.start(f"geoseg:{request.param}", parameters, log), request.param, output)
    yield run
    run.end()


class LongRun:
    """A started step: its qgis_process, its worker, and the folder of its results."""

    def __init__(self, process, step, output):
        self.process = process
        self.step = step
        self.output = output
        self.log = output.parent / "log.txt"
        self.workers = []

    def wait_until_at_work(self):
        """Wait until the worker has begun to write; the training also until it has finished an epoch."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.workers = workers_of(self.process.pid)
            begun = any(self.output.rglob(".geoseg-*")) or self.step == "trainsegmentation"
            if self.workers and begun and (self.step != "trainsegmentation" or "epoch 2" in self.heard().lower()):
                return
            assert self.process.poll() is None, self.heard()
            time.sleep(0.1)
        pytest.fail(f"It did not begin within a minute: {self.heard()}")

    def heard(self):
        return self.log.read_text(encoding="utf-8")

    def wait_until_workers_are_gone(self):
        """Return how many seconds it took."""
        started = time.monotonic()
        while any(is_running(worker) for worker in self.workers):
            if time.monotonic() - started > WORKER_GOES_WITHIN_S:
                pytest.fail("The worker outlived its host.")
            time.sleep(0.1)
        return time.monotonic() - started

    def files(self):
        return sorted(str(path.relative_to(self.output)) for path in self.output.rglob("*"))

    def end(self):
        for process_id in [self.process.pid, *self.workers]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self.process.wait()


def workers_of(parent):
    """Return the ids of the worker processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(status[1]) == parent and b"geoseg_plugin\0worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def is_running(process_id):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_cancelling_stops_and_leaves_what_is_whole(long_run):
    long_run.wait_until_at_work()
    long_run.process.send_signal(signal.SIGINT)
    code = long_run.process.wait(CANCEL_WITHIN_S)
    long_run.wait_until_workers_are_gone()
    if long_run.step == "trainsegmentation":
        assert code == 0, long_run.heard()
        assert "model.safetensors" in long_run.files()
    else:
        assert code == 1, long_run.heard()
        assert long_run.files() == []
    assert "ancelled" in long_run.heard()
    assert not list(long_run.output.rglob(".geoseg-*"))


def test_a_killed_worker_is_an_error_that_says_so(long_run):
    long_run.wait_until_at_work()
    for worker in long_run.workers:
        os.kill(worker, signal.SIGKILL)
    assert long_run.process.wait(CANCEL_WITHIN_S) == 1
    assert "The engine died (exit -9: killed" in long_run.heard()
    assert "Traceback" not in long_run.heard()
    assert long_run.files() == (["model.checkpoint.pt"] if long_run.step == "trainsegmentation" else [])
    assert ("RESUME goes on" in long_run.heard()) == (long_run.step == "trainsegmentation")


def test_a_killed_qgis_takes_its_worker_along(long_run):
    long_run.wait_until_at_work()
    long_run.process.kill()
    long_run.process.wait()
    long_run.wait_until_workers_are_gone()
    assert not list(long_run.output.rglob(".geoseg-*"))
    kept = {"model.safetensors", "model.checkpoint.pt"} if long_run.step == "trainsegmentation" else set()
    assert set(long_run.files()) <= kept
