"""How good a network is on tiles: the same however little memory there is."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.engine.training.validation import predict
from geoseg.tests.engine.cramped import Cramped
from torch import nn


def network(fault=None):
    def stop(*_):
        raise fault

    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3)).eval()
    if fault:
        made.register_forward_pre_hook(stop)
    return made


@pytest.mark.parametrize(
    ("tiles", "room", "parts"), [(8, 8, [8]), (8, 5, [4, 4]), (5, 2, [2, 1, 2]), (3, 1, [1, 1, 1])]
)
def test_with_little_memory_the_answer_is_the_same(tiles, room, parts):
    images = torch.randn(tiles, 2, 8, 8)
    cramped = Cramped(network(), room).eval()
    with torch.inference_mode():
        torch.testing.assert_close(predict(cramped, images, "float32"), network()(images))
    assert cramped.seen == parts


def test_no_memory_for_one_tile_is_said():
    with pytest.raises(GeosegError, match="too small for one tile"):
        predict(Cramped(network(), 0), torch.zeros(2, 2, 8, 8), "float32")


def test_other_errors_are_not_taken_for_that():
    with pytest.raises(RuntimeError, match="something else"):
        predict(network(RuntimeError("something else")), torch.zeros(2, 2, 8, 8), "float32")
