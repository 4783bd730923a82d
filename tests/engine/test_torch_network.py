"""Networks in torch: number formats, and what happens when memory is short."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.engine.prediction.networks import torch_network
from geoseg.geoseg_plugin.engine.prediction.networks.runtime import Runtime, open_network
from geoseg.geoseg_plugin.engine.prediction.networks.torch_network import TorchNetwork
from geoseg.models.catalog import build_network
from geoseg.models.file import save_model
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
WINDOWS = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)


class Telling(nn.Module):
    """A convolution that remembers in which format it computed, on how many windows."""

    def __init__(self, most=100, error=None):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)
        self.seen, self.formats, self.layouts = [], [], []
        self._most, self._error = most, error

    def forward(self, image):
        if len(image) > self._most:
            raise self._error
        given = self.layer(image)
        self.seen.append(len(image))
        self.formats.append(given.dtype)
        self.layouts.append(image.is_contiguous(memory_format=torch.channels_last))
        return given


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_network_computes_as_asked_and_answers_in_float32(precision):
    module = Telling()
    with torch.inference_mode():
        exact = module.layer(torch.from_numpy(WINDOWS)).numpy()
    network = TorchNetwork(module, make_card(), CPU, 4, precision)
    logits = network.logits(WINDOWS)
    assert module.formats == [getattr(torch, precision)]
    assert module.layouts == [True]
    assert (logits.dtype, network.precision, network.backend) == (np.float32, precision, "torch")
    np.testing.assert_allclose(logits, exact, atol=1e-5 if precision == "float32" else 0.05)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes."),
    ],
    ids=["gpu", "cpu", "windows"],
)
def test_when_memory_is_short_batches_become_smaller_and_answers_stay(error):
    whole = TorchNetwork(module := Telling(), make_card(), CPU, 8).logits(WINDOWS)
    small = Telling(1, error)
    small.layer = module.layer
    network = TorchNetwork(small, make_card(), CPU, 3)
    np.testing.assert_allclose(network.logits(WINDOWS), whole, atol=1e-6)
    assert small.seen == [1, 1, 1]
    assert network.batch_size == 1
    with pytest.raises(GeosegError, match=r"not enough memory on cpu .* for one window of 32 pixels"):
        TorchNetwork(Telling(0, error), make_card(), CPU, 3).logits(WINDOWS)


def test_other_errors_are_not_taken_for_that():
    with pytest.raises(RuntimeError, match="expected"):
        TorchNetwork(Telling(0, RuntimeError("expected something else")), make_card(), CPU, 3).logits(WINDOWS)


@pytest.mark.parametrize(("asked", "wanted"), [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")])
def test_a_model_file_is_opened_in_the_precision_asked_for(tmp_path, asked, wanted):
    path = str(tmp_path / "model.safetensors")
    card = make_card(architecture="satellite-unet", encoder="none")
    save_model(path, build_network("satellite-unet", "none", 3, 3).state_dict(), card)
    network = open_network(path, Runtime("cpu", asked), Listener())
    assert (network.precision, network.batch_size) == (wanted, 1)
    assert not network.module.training


@pytest.mark.parametrize(
    ("gibibytes", "tile_size", "wanted"), [(8, 512, 8), (8, 1024, 2), (0.5, 512, 1), (140, 512, 64)]
)
def test_the_batch_suits_the_memory_of_a_gpu(monkeypatch, gibibytes, tile_size, wanted):
    class Properties:
        total_memory = gibibytes * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    assert torch_network._batch_size(torch.device("cuda:0"), tile_size) == wanted
