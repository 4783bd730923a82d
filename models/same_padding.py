"""Convolutions that pad as TensorFlow does, without a look at the size of each image."""

from __future__ import annotations

import torch
from timm.layers.conv2d_same import Conv2dSame
from torch.nn.functional import conv2d, pad


class _EvenSame(Conv2dSame):
    """A Conv2dSame for images whose sides are multiples of its stride: for all of them the padding is the same."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return (N, C', H / stride, W / stride)."""
        pads: list[int] = []
        for kernel, stride, dilation in zip(self.kernel_size, self.stride, self.dilation, strict=True):
            total = max(dilation * (kernel - 1) + 1 - stride, 0)
            pads = [total // 2, total - total // 2, *pads]
        return conv2d(pad(image, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def fix_padding(network: torch.nn.Module) -> None:
    """Let convolutions of timm pad by fixed numbers, in place, so that ONNX need not work them out from any size.

    Right where images have sides in multiples of all strides together, as those that `any_size` lets in have.
    """
    for module in network.modules():
        if type(module) is Conv2dSame:
            module.__class__ = _EvenSame
