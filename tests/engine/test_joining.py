"""Several processes train as one does; none of them is left, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import EngineError, RequestError
from geoseg.geoseg_plugin.contract.stages import to_json
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.processes import joining
from geoseg.geoseg_plugin.engine.training import plan
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models.file import read_tensors
from geoseg.tests.engine.sharing import SHARED, WHOLE, small_network

pytestmark = pytest.mark.usefixtures("one_thread")

ENTRY = Path(__file__).resolve().parents[2] / "geoseg_plugin"
SCRIPT = Path(__file__).with_name("sharing.py")
FOUR_IN_FIRST_ROUND = [3, 0, 6, 2, 5, 1, 4, 3]  # what is drawn of seven tiles, filled up to two batches of four


@pytest.fixture(scope="module")
def tiles(tmp_path_factory, write_tiles, make_blob_tile):
    """A dataset of small tiles, of which neither those to learn from nor those to measure on come out even."""
    random = np.random.default_rng(5)
    splits = ["train"] * 7 + ["validation"] * 5
    return write_tiles(
        tmp_path_factory.mktemp("tiles") / "dataset", [(one, *make_blob_tile(random, 32)) for one in splits]
    )


@pytest.fixture(scope="module")
def shared(tiles, tmp_path_factory):
    """What two processes have done together: the folder of their files, what each of them tells, and what they say."""
    folder = tmp_path_factory.mktemp("shared")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(SCRIPT), tiles, str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)], done.stderr


def each(shared, name):
    return [told[name] for told in shared[1]]


def test_words_reach_all(shared):
    for told in each(shared, "words"):
        assert told.pop("agreed") == [True, False]
        assert told.pop("united") == [True, False, True]
        assert told.pop("gathered") == [{"rank": 0}, {"rank": 1}]
        assert told.pop("decided") == "of 0"
        assert list(told.values()) == [True, True, True], told


def test_each_makes_its_part_of_the_same_batches(shared):
    for told in each(shared, "batches"):
        assert told["parts are of the whole"] == [True, True]
        assert told["places"] == FOUR_IN_FIRST_ROUND
        assert told["errors fit"]
        assert told["pixels fit"]


def test_what_is_measured_together_is_exactly_what_one_measures(shared):
    for told in each(shared, "measured"):
        assert all(told["measured alike"].values()), told
        for one, other in (told["losses"], told["mean IoUs"]):
            assert one == other
        assert told["pixels"] == 5 * 32 * 32
        assert told["beats"] == [2, 3]


@pytest.mark.parametrize("name", ["plain", "cut", "little memory in one process", "one has no gradient"])
def test_a_step_together_is_the_step_of_one(name, shared):
    for told in (told[name] for told in each(shared, "learned")):
        assert told["moved"]
        assert told["the same everywhere"]
        assert told["extra"] > 0
        if name != "one has no gradient":
            assert told["difference"] < 1e-6
            assert told["losses"][0] == pytest.approx(told["losses"][1], rel=1e-6)


def test_a_step_that_is_too_long_for_one_is_made_by_none(shared):
    for told in (told["float16 beyond its numbers"] for told in each(shared, "learned")):
        assert not told["moved"]
        assert told["the same everywhere"]
        assert told["scale"] == 2**14


def test_statistics_of_batches_are_averaged(shared):
    for told in each(shared, "statistics"):
        assert told == {"means": [0.5, 1.0], "variances": [1.0, 1.0]}


def test_when_one_fails_the_others_say_why_at_once(shared):
    first, second = each(shared, "failed")
    assert [one["kind"] for one in first] == ["InputError", "GeosegError"]
    assert [one["kind"] for one in second] == ["InputError", "ZeroDivisionError"]
    assert first[0]["text"] == "Of the second. Mend it."
    assert "fault of its own (ZeroDivisionError: x)" in first[1]["text"]
    assert max(one["seconds"] for one in first) < 3


def test_when_the_first_fails_the_others_do_not_wait_for_it(shared):
    for told in each(shared, "failed first"):
        assert told["kind"] == "OutputError"
        assert "is a folder" in told["text"]
        assert told["seconds"] < 5


def test_cancelling_ends_all_at_the_same_step(shared):
    first, second = each(shared, "cancelled")
    assert [one["outcome"] for one in first] == [one["outcome"] for one in second] == ["cancelled", 1]
    assert max(one["seconds"] for one in first) < 2
    folder = shared[0] / "cancelled"
    assert sorted(path.name for path in folder.iterdir()) == ["m.checkpoint.pt", "m.safetensors"]


def test_time_is_up_for_all_at_the_same_step(shared):
    first, second = each(shared, "timed")
    assert first == second
    assert 1 <= first["epochs"] < 100_000


def test_together_they_train_what_one_trains(shared, tiles, tmp_path, recorder, monkeypatch):
    monkeypatch.setattr(plan, "build_network", small_network)
    model = str(tmp_path / "one.safetensors")
    train_segmentation(TrainSegmentation(dataset=tiles, model=model, **SHARED), recorder)
    folder, (first, second) = shared[0], each(shared, "shared")
    assert [(name, step) for name, _, step in first["metrics"]] == [(name, step) for name, _, step in recorder.metrics]
    for (name, value, _), (_, wanted, _) in zip(first["metrics"], recorder.metrics, strict=True):
        if name != "seconds":
            assert value == pytest.approx(wanted, rel=1e-5 if "loss" in name else 1e-3), name
    one, other = read_tensors(model), read_tensors(str(folder / "shared" / "m.safetensors"))
    for name, weights in one.items():
        torch.testing.assert_close(other[name], weights, rtol=1e-4, atol=1e-6)
    assert any("4 per batch, shared by 2 processes" in note for note in first["notes"])
    assert second == {"metrics": [], "notes": [], "fractions": 0, "epochs": 2}


def kill_fellow(report):
    (fellow,) = psutil.Process().children()
    fellow.kill()
    report.killed = fellow


def test_one_that_is_killed_is_told_of_and_training_goes_on_from_there(shared, tiles, tmp_path, make_recorder):
    """What torchrun has trained without interruption is what two runs with DEVICES train."""

    def train(report, **options):
        values = {**WHOLE, "devices": 2, **options}
        return train_segmentation(
            TrainSegmentation(dataset=tiles, model=str(tmp_path / "m.safetensors"), **values), report
        )

    class Killing(make_recorder().__class__):
        def note(self, text):
            super().note(text)
            if text.startswith("Epoch 2"):
                (self.fellow,) = psutil.Process().children()
                self.fellow.kill()
                self.killed = time.monotonic()

    report = Killing()
    with pytest.raises(EngineError, match=r"Process 1 of this run has died \(SIGKILL\)"):
        train(report)
    assert time.monotonic() - report.killed < 3
    assert not report.fellow.is_running()
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint.pt"]
    after = make_recorder()
    resumed = train(after, resume=True)
    assert resumed.epoch_count == WHOLE["epochs"]
    assert not psutil.Process().children()
    assert not torch.distributed.is_initialized()
    one, other = (
        read_tensors(str(path)) for path in (shared[0] / "whole" / "m.safetensors", tmp_path / "m.safetensors")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert each(shared, "exit code") == [0, 0]
    last = next(note for note in after.notes if note.startswith("Epoch 3: "))
    assert f"\n{last[: last.rindex(',')]}, " in shared[2]


def test_the_others_end_when_the_first_is_killed(tiles, tmp_path):
    request = TrainSegmentation(
        dataset=tiles,
        model=str(tmp_path / "m.safetensors"),
        **{**WHOLE, "epochs": 10_000, "devices": 2},
    )
    with subprocess.Popen(
        [sys.executable, str(ENTRY), "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as worker:  # fmt: skip
        worker.stdin.write(json.dumps(to_json(request)) + "\n")
        worker.stdin.flush()
        for line in worker.stdout:
            if "Epoch 1:" in json.loads(line).get("text", ""):
                break
        (fellow,) = psutil.Process(worker.pid).children()
        worker.send_signal(signal.SIGKILL)
        _, found = psutil.wait_procs([fellow], timeout=10)
        alive = [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        for one in alive:
            one.kill()
        assert not alive


@pytest.mark.parametrize(
    ("seen", "device", "said"),
    [
        (2, "auto", "DEVICES is 4, but Torch sees 2 GPUs"),
        (4, "cuda:1", "DEVICES is 4 from cuda:1 on, but Torch sees 4"),
    ],
)
def test_more_devices_than_there_are_are_refused(seen, device, said, tmp_path, recorder, monkeypatch):
    monkeypatch.setattr(joining, "first_gpu", lambda text: 1 if text == "cuda:1" else 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    request = TrainSegmentation(dataset="d", model=str(tmp_path / "m.safetensors"), devices=4, device=device)
    with pytest.raises(RequestError, match=said) as caught, joining.join_processes(request, recorder):
        pass
    assert caught.value.fix == f"Set DEVICES to {seen - (device != 'auto')} or less."


def test_devices_do_not_go_with_torchrun(tmp_path, recorder, monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    request = TrainSegmentation(dataset="d", model=str(tmp_path / "m.safetensors"), devices=2)
    with (
        pytest.raises(RequestError, match="2 processes were started already"),
        joining.join_processes(request, recorder),
    ):
        pass


def test_more_processes_than_cores_are_refused(tiles, tmp_path, recorder, monkeypatch):
    monkeypatch.setattr(joining.os, "cpu_count", lambda: 2)
    request = TrainSegmentation(dataset=tiles, model=str(tmp_path / "m.safetensors"), devices=1000, device="cpu")
    with pytest.raises(RequestError, match="DEVICES is 1000, but the processor has 2 cores"):
        train_segmentation(request, recorder)
    assert list(tmp_path.iterdir()) == []
