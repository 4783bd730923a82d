"""Windows on their way through a GPU; only where there is one."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.prediction.networks.network import softmax
from geoseg.geoseg_plugin.engine.prediction.networks.torch_network import TorchNetwork
from geoseg.tests.engine.handmade import make_card
from torch import nn

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="Needs a GPU.")

GPU = torch.device("cuda:0")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return TorchNetwork(nn.Conv2d(3, 5, 3, padding=1).to(GPU).eval(), make_card(), GPU, 4)


def test_many_batches_on_their_way_at_once_come_back_as_their_own(network):
    windows = np.random.default_rng(0).normal(size=(64, 3, 128, 128)).astype(np.float32)
    wanted = [softmax(logits) for logits in network.logits(windows)]
    answers = [answer for first in range(0, 64, 8) for answer in network.begin(list(windows[first : first + 8]))]
    for answer, alone in zip(answers, wanted, strict=True):
        np.testing.assert_allclose(network.probabilities(answer), alone, atol=1e-3)


def test_the_time_of_the_network_is_told_once(network):
    answers = network.begin([np.zeros((3, 128, 128), np.float32)] * 4)
    network.probabilities(answers[0])
    seconds = network.seconds
    assert seconds > 0
    network.probabilities(answers[1])
    assert network.seconds == seconds


def test_a_gpu_that_is_full_gets_smaller_batches(network, monkeypatch):
    forward = network.module.forward

    def fail(batch):
        if len(batch) > 1:
            raise torch.OutOfMemoryError
        return forward(batch)

    monkeypatch.setattr(network.module, "forward", fail)
    assert len(network.begin([np.zeros((3, 64, 64), np.float32)] * 4)) == 4
    assert network.batch_size == 1
