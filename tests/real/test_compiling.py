"""Networks compiled by torch stay what they are."""

import shutil

import pytest
import torch
from geoseg.geoseg_plugin.engine.training.compiling import compile_network
from torch import nn


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with a C++ compiler, and there is none")
def test_a_compiled_network_is_the_same():
    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU())
    images, names = torch.randn(2, 2, 8, 8), list(network.state_dict())
    wanted = network(images)
    compile_network(network)
    assert torch.allclose(network(images), wanted, atol=1e-5)
    assert list(network.state_dict()) == names
