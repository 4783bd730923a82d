"""Several processes map as one does; none of them is left, and no part, however it ends."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, EngineError, InputError, OutputError
from geoseg.geoseg_plugin.contract.stages import to_json
from geoseg.geoseg_plugin.contract.staging import staging_name
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.keeping import shared_run
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapping import RESULTS, ask, read_results, write_scene
from rasterio.windows import Window

pytestmark = pytest.mark.usefixtures("one_thread")

ENTRY = Path(__file__).resolve().parents[2] / "geoseg_plugin"
KEPT = "map.tif.unfinished"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"), shape=(1300, 600))


@pytest.fixture(scope="module")
def whole(scene, tmp_path_factory):
    """What one process makes of it: the results, and their folder."""
    folder = tmp_path_factory.mktemp("whole")
    result = predict_segmentation(ask(scene, folder), Listener())
    return result, read_results(folder)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def predict_together(scene, folder, listener=None, **options):
    return predict_segmentation(ask(scene, folder, devices=2, device="cpu", **options), listener or Listener())


def test_two_processes_map_what_one_maps(scene, whole, tmp_path):
    listener = Listener()
    result = predict_together(scene, tmp_path, listener)
    assert read_results(tmp_path) == whole[1]
    assert result.mean_confidence == whole[0].mean_confidence
    assert result.device == "cpu (onnxruntime, 1 threads) and 1 more"
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] > 0.9
    assert not psutil.Process().children()
    assert not torch.distributed.is_initialized()


def test_torchrun_maps_what_one_maps(scene, whole, tmp_path):
    request = ask(scene, tmp_path)
    options = [
        word
        for name in ("input", "model", "output", "tile_size", *RESULTS)
        for word in (f"--{name.replace('_', '-')}", str(getattr(request, name)))
    ]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(ENTRY)]
    done = subprocess.run(
        [*command, "predict-segmentation", *options, "--device", "cpu"], capture_output=True, text=True, timeout=300,
        check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"mean_confidence"') == 1
    assert done.stderr.count("The map: ") == 1
    assert read_results(tmp_path) == whole[1]


def test_what_two_have_begun_one_ends_and_the_other_way_round(scene, whole, tmp_path):
    def stop(self):
        return self.fractions[-1:] > [0.4]

    for first, second in ((2, 1), (1, 2)):
        folder = tmp_path / str(first)
        with pytest.raises(Cancelled, match="what is finished is kept in") as caught:
            predict_segmentation(ask(scene, folder, devices=first, device="cpu", resume=True), Listener(stop))
        assert "RESUME goes on" in caught.value.fix
        assert names(folder) == [KEPT]
        listener = Listener()
        predict_segmentation(ask(scene, folder, devices=second, device="cpu", resume=True), listener)
        assert any("of the windows are kept" in note for note in listener.notes)
        assert read_results(folder) == whole[1]


def test_cancelling_ends_both_at_once_and_leaves_nothing(scene, tmp_path):
    asked = []

    def stop(self):
        if self.fractions[-1:] > [0.2]:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Cancelled, match="nothing was written"):
        predict_together(scene, tmp_path, Listener(stop))
    assert time.monotonic() - asked[0] < 5
    assert names(tmp_path) == []
    assert not psutil.Process().children()


class Killing(Listener):
    """Kills the other process as soon as it is at work."""

    def progress(self, fraction, text=""):
        super().progress(fraction, text)
        if fraction > 0.2:
            for fellow in psutil.Process().children():
                fellow.kill()


@pytest.mark.parametrize("resume", [False, True])
def test_one_that_is_killed_is_told_of(scene, whole, tmp_path, resume):
    with pytest.raises(EngineError, match=r"Process 1 of this run has died \(SIGKILL\)"):
        predict_together(scene, tmp_path, Killing(), resume=resume)
    assert names(tmp_path) == ([KEPT] if resume else [])
    if resume:
        predict_together(scene, tmp_path, resume=True)
        assert read_results(tmp_path) == whole[1]


def test_when_the_first_is_killed_no_process_and_no_part_is_left(scene, tmp_path):
    request = ask(scene, tmp_path, devices=2, device="cpu", overlap=75, tile_size=64)
    with subprocess.Popen(
        [sys.executable, str(ENTRY), "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as worker:  # fmt: skip
        worker.stdin.write(json.dumps(to_json(request)) + "\n")
        worker.stdin.flush()
        parts = tmp_path / staging_name(KEPT, worker.pid)
        while not list(parts.glob("*.strip")):
            assert worker.poll() is None
            time.sleep(0.05)
        (fellow,) = psutil.Process(worker.pid).children()
        worker.kill()
        _, found = psutil.wait_procs([fellow], timeout=20)
        alive = [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        for one in alive:
            one.kill()
        assert not alive
    assert not parts.exists()


class Two:
    """Both processes as the second of them hears of them, which sees something else than the first."""

    rank = 1

    def __init__(self, **other):
        self._other = other

    def gather(self, value):
        first = (self._other.get("models", value[0]), {**value[1], **self._other.get("grid", {})}, *value[2:])
        return [first, value]

    def decide(self, _):
        return self._other["folder"]


@pytest.fixture
def work():
    grid = Grid(None, Affine.identity(), 30, 20)
    scene = SimpleNamespace(grid=grid, frame=Window(0, 0, 20, 30), class_count=3)
    return SimpleNamespace(scene=scene, coverage=SimpleNamespace(cols=Cover.of(20, 32, 0)))


@pytest.mark.parametrize(("other", "said"), [({"models": "b"}, "MODEL"), ({"grid": {"height": 7}}, "INPUT")])
def test_another_image_or_model_on_another_machine_is_refused(scene, tmp_path, work, other, said):
    request = ask(scene, tmp_path)
    shared_run._check_alike(request, work, Two())
    with pytest.raises(InputError, match=f"{said} is not the same for process 1 .* as for the first"):
        shared_run._check_alike(request, work, Two(**other))


def test_a_folder_that_another_machine_does_not_see_is_refused(scene, tmp_path, work, recorder):
    processes = Two(folder=str(tmp_path / "elsewhere"))
    processes.is_first = False
    shared = shared_run.SharedRun(ask(scene, tmp_path), recorder, processes, None, None)
    with pytest.raises(OutputError, match=r"elsewhere, where all .* not there for process 1") as caught:
        shared._open_store(work)
    assert "Put OUTPUT on a disk that all machines share" in caught.value.fix
