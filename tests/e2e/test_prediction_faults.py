"""A prediction with RESUME outlives its processes: what is finished stays, and ends in the same map."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest

GOES_WITHIN_S = 10
ENDS_WITHIN_S = 25
DONE_WITHIN_S = 200
KEPT = "map.tif.unfinished"


@pytest.fixture(scope="module")
def task(qgis_process, chain, tmp_path_factory):
    """What is to be done, which takes some seconds, and the map that it ends in."""
    folder = tmp_path_factory.mktemp("whole")
    scene = folder / "scene.tif"
    qgis_process.results("geoseg:demoscene", {"SIZE": 1024, "OUTPUT": scene, "LABELS": folder / "labels.shp"})
    model = folder / "model.onnx"  # which takes no time for torch
    qgis_process.results(
        "geoseg:exportmodel", {"MODEL": chain.folder / "model.safetensors", "SAMPLE": scene, "OUTPUT": model}
    )
    parameters = {"INPUT": scene, "MODEL": model, "TILE_SIZE": 64, "OVERLAP": 25, "DEVICE": "cpu"}
    qgis_process.results("geoseg:predictsegmentation", {**parameters, "OUTPUT": folder / "map.tif"})
    return parameters, pixels_of(folder / "map.tif")


@pytest.fixture
def go(qgis_process, task, tmp_path):
    """Starts it with RESUME; everything is ended afterwards."""
    (tmp_path / "out").mkdir()
    started = []

    def start():
        with (tmp_path / "log.txt").open("w") as log:
            parameters = {**task[0], "RESUME": True, "OUTPUT": tmp_path / "out" / "map.tif"}
            started.append(Started(qgis_process.start("geoseg:predictsegmentation", parameters, log), tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.end()


class Started:
    """A prediction that was started: its qgis_process, its worker, and what it leaves."""

    def __init__(self, process, folder):
        self.process = process
        self.output = folder / "out"
        self.log = folder / "log.txt"
        self.worker = 0

    def wait_until_more_is_kept(self, than=0):
        """Wait until more than so many strips are kept; return how many there are."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = re.search(r"Worker (\d+):", self.heard())
            self.worker = int(found.group(1)) if found else 0
            count = len(list(self.output.glob(f"{KEPT}/*.strip")))
            if count > than and self.worker:
                return count
            assert self.process.poll() is None, self.heard()
            time.sleep(0.02)
        return pytest.fail(f"Nothing was finished within a minute: {self.heard()}")

    def heard(self):
        return self.log.read_text(encoding="utf-8")

    def left(self):
        """Return what lies in the folder of the results, after the worker has gone."""
        deadline = time.monotonic() + GOES_WITHIN_S
        while is_running(self.worker):
            assert time.monotonic() < deadline, "The worker outlived its host."
            time.sleep(0.1)
        return sorted(path.name for path in self.output.iterdir())

    def end(self):
        for process_id in filter(None, [self.process.pid, self.worker]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self.process.wait()


def is_running(process_id):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def pixels_of(path):
    from osgeo import gdal

    return gdal.Open(str(path)).ReadAsArray().tobytes()


def test_it_goes_on_after_worker_and_qgis_were_killed(go, task):
    first = go()
    kept = first.wait_until_more_is_kept()
    os.kill(first.worker, signal.SIGKILL)
    assert first.process.wait(ENDS_WITHIN_S) == 1
    assert "The engine died (exit -9: killed" in first.heard()
    assert "With RESUME, a run with the same values goes on" in first.heard()
    assert first.left() == [KEPT]
    second = go()
    second.wait_until_more_is_kept(kept)
    assert "of the windows are kept in" in second.heard()
    second.process.kill()
    second.process.wait()
    assert second.left() == [KEPT]
    third = go()
    assert third.process.wait(DONE_WITHIN_S) == 0, third.heard()
    assert KEPT not in third.left()
    assert pixels_of(third.output / "map.tif") == task[1]


def test_a_cancel_says_how_to_go_on(go):
    first = go()
    first.wait_until_more_is_kept()
    cancelled_at = time.monotonic()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(ENDS_WITHIN_S) == 1
    assert first.left() == [KEPT]
    assert time.monotonic() - cancelled_at < ENDS_WITHIN_S
    assert "what is finished is kept in" in first.heard()
    assert "RESUME goes on from it with the same values" in first.heard()
