"""Devices: what is there is found, what is not is said."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError, RequestError
from geoseg.geoseg_plugin.engine.device import choose_device, describe_device, is_auto, named_gpu, why_no_gpu


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == choose_device(" CPU ") == torch.device("cpu")
    assert "threads" in describe_device(torch.device("cpu"))


def test_auto_takes_what_works():
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:-1", "", "cuda:0,1"])
def test_other_texts_are_refused(text):
    with pytest.raises(RequestError, match="DEVICE"):
        choose_device(text)


def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(GeosegError, match="cuda:99") as caught:
        choose_device("cuda:99")
    assert "auto" in caught.value.fix


def test_auto_falls_back_when_the_gpu_does_not_work(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no kernel image is available\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "zeros", fail)
    assert choose_device("auto") == torch.device("cpu")
    assert why_no_gpu() == "no kernel image is available"
    with pytest.raises(GeosegError, match="does not work: no kernel image is available"):
        choose_device("cuda")


def test_the_text_is_read_in_one_way_for_every_library():
    assert [named_gpu(text, "It", lambda: 4) for text in (" CPU", "cuda", "CUDA:3 ")] == [None, 0, 3]
    assert [is_auto(text) for text in (" Auto ", "cpu", "")] == [True, False, False]
    with pytest.raises(GeosegError, match="It does not see the GPU 'cuda:4': it sees 4, counted from 0"):
        named_gpu("cuda:4", "It", lambda: 4)
