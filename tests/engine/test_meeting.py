"""Processes that have met hear why another one has failed, and never wait for one that will not come."""

import json

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import Cancelled, EngineError, GeosegError, InputError, RequestError
from geoseg.geoseg_plugin.engine.processes import meeting
from geoseg.geoseg_plugin.engine.processes.fellows import Fellows
from geoseg.geoseg_plugin.engine.processes.meeting import Meeting, connect, first_gpu
from torch import distributed


class Dead(Fellows):
    """Fellows of which one has died."""

    def why_ended(self):
        return EngineError("Process 1 of this run has died (SIGKILL).")


@pytest.fixture
def store():
    return distributed.HashStore()


def connect_two(store, recorder, fellows=None, device="cpu"):
    return connect(Meeting(store, 0, 2, 0, 2, fellows or Fellows()), device, recorder)


def test_one_that_has_died_is_not_waited_for(store, recorder):
    with pytest.raises(EngineError, match="SIGKILL"), connect_two(store, recorder, Dead()):
        pass
    assert "SIGKILL" in json.loads(store.get("fault"))["message"]


def test_one_that_has_failed_is_not_waited_for_and_its_word_stands(store, recorder):
    store.set("fault", json.dumps(InputError("It is bad.", "Mend it.").to_json()))
    with pytest.raises(InputError, match=r"It is bad\. Mend it\."), connect_two(store, recorder):
        pass
    assert json.loads(store.get("fault"))["message"] == "It is bad."


def test_the_user_may_cancel_meanwhile(store, make_recorder):
    with pytest.raises(Cancelled), connect_two(store, make_recorder(lambda self: True)):
        pass


def test_a_device_that_is_not_there_is_said_before_anyone_waits(store, recorder):
    with (
        pytest.raises(GeosegError, match="does not see the GPU 'cuda:99'"),
        connect_two(store, recorder, device="cuda:99"),
    ):
        pass
    assert "cuda:99" in json.loads(store.get("fault"))["message"]


def test_a_first_one_that_has_gone_is_told(recorder):
    class Gone:
        def check(self, _):
            raise RuntimeError("Broken pipe")

    explain = meeting._explainer(Meeting(Gone(), 1, 2, 1, 2, Fellows()), recorder)
    assert "first process of this run has ended" in str(explain(RuntimeError("Connection closed")))


def test_what_nobody_tells_is_told_as_torch_says_it(store, recorder, monkeypatch):
    monkeypatch.setattr(meeting, "_PATIENCE_S", 0.1)
    explain = meeting._explainer(Meeting(store, 0, 2, 0, 2, Fellows()), recorder)
    told = explain(RuntimeError("Connection closed by peer [10.0.0.2]\nmore"))
    assert "cannot reach each other: Connection closed by peer [10.0.0.2]." in told.message


def test_the_first_gpu_is_that_of_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [first_gpu(text) for text in ("cpu", "cuda", "cuda:2")] == [None, 0, 2]
    for fault, first in ((None, 0), ("no driver", None)):
        monkeypatch.setattr(meeting, "why_no_gpu", lambda fault=fault: fault)
        assert first_gpu("auto") == first
    with pytest.raises(RequestError, match="DEVICE is 'gpu'"):
        first_gpu("gpu")
