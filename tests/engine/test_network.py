"""What all networks have in common: batches that shrink, and logits that become probabilities."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.engine.prediction.networks.network import Network, softmax
from geoseg.tests.engine.handmade import make_card


class _SmallMemory(Network):
    """Takes no more than two windows at a time."""

    backend = "numpy"

    def __init__(self, most=2):
        super().__init__(make_card(), "a small device", "float32", 8)
        self.most, self.seen = most, []

    def _infer(self, windows):
        if len(windows) > self.most:
            raise MemoryError
        self.seen.append(len(windows))
        return windows + 1


def test_batches_shrink_when_memory_runs_out():
    network = _SmallMemory()
    windows = np.arange(8, dtype=np.float32).reshape(8, 1, 1, 1)
    np.testing.assert_array_equal(network.logits(windows), windows + 1)
    assert network.seen == [2, 2, 2, 2]
    assert network.batch_size == 2


def test_one_window_too_many_is_an_error():
    with pytest.raises(GeosegError, match="TILE_SIZE"):
        _SmallMemory(most=0).logits(np.zeros((8, 1, 32, 32), np.float32))


def test_answers_to_single_windows_are_probabilities():
    windows = [np.full((3, 4, 4), value, np.float32) * [[[1]], [[2]], [[3]]] for value in (0.0, 1.0, -1.0)]
    network = _SmallMemory()
    answers = [network.probabilities(answer) for answer in network.begin(windows)]
    for window, answer in zip(windows, answers, strict=True):
        wanted = np.exp(window + 1) / np.exp(window + 1).sum(axis=0)
        np.testing.assert_allclose(answer, wanted, rtol=1e-5)


def test_softmax_is_a_distribution_also_for_large_logits():
    logits = np.array([1000.0, 0.0, -1000.0], np.float32)[:, None, None] * np.ones((3, 2, 2), np.float32)
    np.testing.assert_array_equal(softmax(logits)[:, 0, 0], [1, 0, 0])
