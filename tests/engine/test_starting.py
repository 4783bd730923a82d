"""Whether several processes work on a run."""

import pytest
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.processes.starting import count_started, is_shared

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


def request(**options):
    return PredictSegmentation(input="a.tif", model="m.onnx", output="b.tif", **options)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)


def test_devices_or_torchrun_share_a_run(monkeypatch):
    assert not is_shared(request())
    assert is_shared(request(devices=2))
    for name, value in TORCHRUN.items():
        assert count_started() == 1
        monkeypatch.setenv(name, value)
    assert count_started() == 3
    assert is_shared(request())
