"""Gated-SCNN, a network that learns shapes beside classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from .gradient import gradient_magnitude
from .gscnn_losses import OWN_LOSS, two_stream_loss
from .initial_values import fill_for_relu
from .library import build_encoder
from .losses.loss import Loss, TrainingLoss

_SHAPE_WIDTHS = (64, 32, 16, 8)
_WIDTH, _FINE_WIDTH = 256, 48
_STRIDE = 16  # of the deepest features
_DILATIONS = (6, 12, 18)  # at that stride


class GatedScnn(nn.Module):
    """Gated-SCNN: an encoder sees what things are; a thin stream of the image's size, led by it, where they end.

    The shape stream turns the encoder's first features into an edge map; gates let pass what deeper features call a
    part of something. Edge map and the image's own gradients join the deepest features in a pyramid of dilations, and a
    decoder brings these to the size of the second features.

    It differs from the published network over a wide ResNet in that it takes any encoder that can be dilated, at a
    stride of 16, and any number of bands; these encoders give their first features at half and their second, which are
    the decoder's fine ones, at a quarter of the image's size, where that network has them at full and half size. It
    takes gradients of the mean over all bands by Sobel's operator for Canny's edges, which could not be exported, and
    the mean of edges over each cell of the pyramid.

    In training mode it gives logits and edge logits; `training_loss` is for these, and `own_loss` tells of it.

    Source: Takikawa et al. 2019, https://arxiv.org/abs/1907.05740; weights start by `fill_for_relu`, those behind gates
    as Glorot and Bengio 2010 have it (https://proceedings.mlr.press/v9/glorot10a.html).

    Args:
        bands: Number of input bands.
        classes: Number of outputs per pixel.
        encoder: One of segmentation-models-pytorch that can be dilated.
    """

    own_loss = f"Gated-SCNN adds {OWN_LOSS}"

    def __init__(self, bands: int, classes: int, encoder: str) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder, bands, output_stride=_STRIDE)
        first, second, *deeper = self.encoder.out_channels[1:]
        self.shape_stream = _ShapeStream(first or second, deeper)
        self.edges_and_gradients = nn.Conv2d(2, 1, 1, bias=False)
        self.pyramid = _Pyramid(deeper[-1])
        self.fine = nn.Conv2d(second, _FINE_WIDTH, 1, bias=False)
        self.head = nn.Sequential(
            _convolution(_FINE_WIDTH + _WIDTH, _WIDTH, 3),
            _convolution(_WIDTH, _WIDTH, 3),
            nn.Conv2d(_WIDTH, classes, 1),
        )
        for part in (self.edges_and_gradients, self.pyramid, self.fine, self.head):
            fill_for_relu(part)

    def forward(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Turn (N, bands, H, W) into logits (N, classes, H, W) float32; H and W are multiples of 32.

        Returns:
            In training mode logits and edge logits (N, 1, H, W) float32, otherwise logits.
        """
        first, second, *deeper = self.encoder(image)[1:]
        size = image.shape[-2:]
        edges = self.shape_stream(first if first.shape[1] else second, deeper, size)
        gradients = gradient_magnitude(image.mean(1, keepdim=True))
        shapes = torch.sigmoid(self.edges_and_gradients(torch.cat([gradients, torch.sigmoid(edges)], dim=1)))
        fine = self.fine(second)
        seen = _resize(self.pyramid(deeper[-1], shapes), fine.shape[-2:])
        logits = _resize(self.head(torch.cat([fine, seen], dim=1)).float(), size)
        return (logits, edges) if self.training else logits

    def training_loss(self, loss: Loss) -> TrainingLoss:
        """Return the loss of logits and edge logits, of which `loss` is the part for classes."""
        return two_stream_loss(loss)


class _ShapeStream(nn.Module):
    """Makes an edge map.

    Args:
        first: Channels of the features that it starts from.
        deeper: Channels of the three features that lead it.
    """

    def __init__(self, first: int, deeper: Sequence[int]) -> None:
        super().__init__()
        widths = list(pairwise(_SHAPE_WIDTHS))
        self.start = nn.Identity() if first == _SHAPE_WIDTHS[0] else nn.Conv2d(first, _SHAPE_WIDTHS[0], 1)
        self.blocks = nn.ModuleList(_ResidualBlock(width) for width, _ in widths)
        self.narrowings = nn.ModuleList(nn.Conv2d(width, narrower, 1) for width, narrower in widths)
        self.leads = nn.ModuleList(nn.Conv2d(channels, 1, 1) for channels in deeper)
        self.end = nn.Conv2d(_SHAPE_WIDTHS[-1], 1, 1, bias=False)
        fill_for_relu(self)
        self.gates = nn.ModuleList(_Gate(narrower) for _, narrower in widths)

    def forward(self, first: torch.Tensor, deeper: Sequence[torch.Tensor], size: torch.Size) -> torch.Tensor:
        """Return edge logits (N, 1, *size) float32."""
        x = _resize(self.start(first), size)
        parts = zip(self.blocks, self.narrowings, self.leads, self.gates, deeper, strict=True)
        for block, narrow, lead, gate, features in parts:
            x = gate(narrow(block(x)), _resize(lead(features), size))
        edges: torch.Tensor = self.end(x).float()
        return edges


class _Gate(nn.Module):
    """Lets pass up to twice of a map where it and another one agree on it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.openness = nn.Sequential(
            nn.BatchNorm2d(width + 1),
            nn.Conv2d(width + 1, width + 1, 1),
            nn.ReLU(),
            nn.Conv2d(width + 1, 1, 1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )
        fill_for_relu(self.openness)
        self.output = nn.Conv2d(width, width, 1, bias=False)
        nn.init.xavier_normal_(self.output.weight)

    def forward(self, x: torch.Tensor, lead: torch.Tensor) -> torch.Tensor:
        passed: torch.Tensor = self.output(x * (self.openness(torch.cat([x, lead], dim=1)) + 1))
        return passed


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            _convolution(width, width, 3), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.main(x))


class _Pyramid(nn.Module):
    """Contexts of several sizes beside one another, and the shapes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.whole = _convolution(channels, _WIDTH, 1)
        self.shapes = _convolution(1, _WIDTH, 1)
        self.pixel = _convolution(channels, _WIDTH, 1)
        self.wider = nn.ModuleList(_convolution(channels, _WIDTH, 3, dilation) for dilation in _DILATIONS)
        self.output = nn.Conv2d((len(_DILATIONS) + 3) * _WIDTH, _WIDTH, 1, bias=False)

    def forward(self, x: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        pixel = self.pixel(x)
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand_as(pixel)
        around = [whole, self.shapes(functional.avg_pool2d(shapes, _STRIDE)), pixel, *(one(x) for one in self.wider)]
        joined: torch.Tensor = self.output(torch.cat(around, dim=1))
        return joined


def _convolution(inputs: int, outputs: int, size: int, dilation: int = 1) -> nn.Sequential:
    padding = size // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _resize(x: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return functional.interpolate(x, size=size, mode="bilinear")
