"""Padding by fixed numbers is what timm works out from the size of each image."""

import copy

import pytest
import torch
from geoseg.models.same_padding import fix_padding
from timm.layers.conv2d_same import Conv2dSame


@pytest.mark.parametrize("kernel", [1, 3, 5, (3, 5)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(2, 4), (32, 64), (96, 32)])
def test_it_is_the_same_for_all_sides_in_multiples_of_the_stride(kernel, stride, size):
    torch.manual_seed(0)
    network = torch.nn.Sequential(Conv2dSame(3, 4, kernel, stride=stride, groups=1, bias=True))
    fixed = copy.deepcopy(network)
    fix_padding(fixed)
    assert type(fixed[0]) is not Conv2dSame
    assert fixed.state_dict().keys() == network.state_dict().keys()
    image = torch.randn(2, 3, *size)
    with torch.inference_mode():
        assert torch.equal(fixed(image), network(image))
