"""Networks in onnxruntime: what happens when memory is short, and threads."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import GeosegError, ModelError
from geoseg.geoseg_plugin.engine.prediction.networks.onnx_network import OnnxNetwork
from geoseg.geoseg_plugin.engine.prediction.networks.runtime import Runtime, open_network
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from onnxruntime.capi import onnxruntime_pybind11_state as faults

WINDOWS = np.random.default_rng(0).normal(size=(5, 3, 32, 32)).astype(np.float32)


class Session:
    """Doubles windows, but of so many at most."""

    def __init__(self, most, error):
        self.most, self.error, self.seen = most, error, []

    def get_inputs(self):
        return [SimpleNamespace(name="image", shape=["n", 3, "h", "w"])]

    get_outputs = get_inputs

    def run(self, names, given):
        windows = given["image"]
        if len(windows) > self.most:
            raise self.error
        self.seen.append(len(windows))
        return [2 * windows]


@pytest.mark.parametrize(
    "error",
    [
        faults.RuntimeException("bfc_arena.cc: Failed to allocate memory for requested buffer of size 4294967296"),
        faults.RuntimeException("CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED; out of memory"),
        faults.Fail("CUDA failure 2: out of memory ; GPU=0"),
    ],
    ids=["arena", "cudnn", "cuda"],
)
def test_when_memory_is_short_batches_become_smaller_and_answers_stay(error):
    session = Session(2, error)
    network = OnnxNetwork(session, make_card(), "cuda:0 (onnxruntime)", 5)
    np.testing.assert_array_equal(network.logits(WINDOWS), 2 * WINDOWS)
    assert session.seen == [2, 2, 1]
    with pytest.raises(GeosegError, match=r"not enough memory on cuda:0 .* Give a smaller TILE_SIZE"):
        OnnxNetwork(Session(0, error), make_card(), "cuda:0 (onnxruntime)", 5).logits(WINDOWS)


@pytest.mark.parametrize("kind", [faults.Fail, faults.RuntimeException, faults.InvalidArgument])
def test_other_faults_are_those_of_the_model(kind):
    session = Session(0, kind("Got invalid dimensions for input: image"))
    with pytest.raises(ModelError, match="fails on windows of 32 pixels: Got invalid dimensions"):
        OnnxNetwork(session, make_card(), "cpu", 5).logits(WINDOWS)


def test_it_computes_with_all_cores_unless_told_otherwise(tmp_path, monkeypatch):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), np.eye(3), np.zeros(3))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    assert open_network(path, Runtime("cpu"), Listener()).device == f"cpu (onnxruntime, {cores} threads)"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert open_network(path, Runtime("cpu"), Listener()).device == "cpu (onnxruntime, 1 threads)"
