"""A disk that becomes full is noticed while a map is being written."""

from types import SimpleNamespace

import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.results import room
from geoseg.geoseg_plugin.engine.prediction.results.room import WatchedSink


@pytest.fixture
def free(monkeypatch):
    """The bytes that are free on each disk, by the name of its folder."""
    found = {"a": 10**9, "b": 10**9}
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: SimpleNamespace(free=found[folder.name]))
    return found


@pytest.fixture
def request_on_two(tmp_path):
    return PredictSegmentation(
        input="image.tif", model="m.onnx", output=str(tmp_path / "a" / "map.tif"),
        polygons=str(tmp_path / "b" / "areas.gpkg"),
    )  # fmt: skip


def test_strips_pass_until_one_of_the_disks_is_full(free, request_on_two):
    taken = []
    sink = WatchedSink(SimpleNamespace(write=taken.append), request_on_two)
    sink.write("first")
    free["b"] = 4096
    with pytest.raises(OutputError, match=r"no room left on the disk for .*areas\.gpkg"):
        sink.write("second")
    assert taken == ["first"]


def test_a_disk_that_never_tells_of_room_is_not_asked(free, request_on_two):
    free["a"] = 0
    taken = []
    sink = WatchedSink(SimpleNamespace(write=taken.append), request_on_two)
    sink.write("first")
    assert taken == ["first"]
    free["b"] = 0
    with pytest.raises(OutputError, match=r"areas\.gpkg"):
        sink.write("second")
