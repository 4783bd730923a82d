"""What Gated-SCNN learns from beside the classes: where these end.

Source: Takikawa et al. 2019, https://arxiv.org/abs/1907.05740.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .gradient import gradient_magnitude
from .losses.borders import find_borders
from .losses.loss import IGNORE_INDEX, Loss, TrainingLoss

_EDGE_REACH = 2  # of edges into either side, in pixels
_EDGE_WEIGHT = 20.0
_CERTAIN_EDGE = 0.8
_TEMPERATURE = 0.5
_FULL_SLOPE = 0.5  # of a straight border between two classes
_LEAST_SLOPE = 1e-5

OWN_LOSS = f"{_EDGE_WEIGHT:g} * edge cross entropy + the same at certain edges + dual-task loss of borders"


def two_stream_loss(loss: Loss) -> TrainingLoss:
    """Return the sum of the loss of all pixels, that of edges, that of pixels at edges, and the dual-task loss.

    In the published network the first is a cross entropy with weights for each image's classes; here it is any.

    Args:
        loss: Of logits and class indices.

    Returns:
        A function of logits (N, K, H, W) and edge logits (N, 1, H, W), a tuple, in any precision, and of class indices
        (N, H, W) int64; its float32 scalar is 0 where all pixels are ignored.
    """

    def total(given: tuple[torch.Tensor, torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        logits, edges = (part.float() for part in given)
        parts = [
            loss(logits, target),
            _EDGE_WEIGHT * edge_loss(edges, target),
            loss(logits, only_at_edges(edges, target)),
            dual_task_loss(logits, target),
        ]
        return torch.stack(parts).sum()

    return total


def edge_truth(target: torch.Tensor) -> torch.Tensor:
    """Return where edges are: pixels with one of another class within two pixels, as the crow flies.

    Args:
        target: (N, H, W) int64 class indices; pixels that are ignored neither are nor make edges.

    Returns:
        (N, 1, H, W) float32, 1 at edges and 0 elsewhere.
    """
    return find_borders(target, target != IGNORE_INDEX, _EDGE_REACH).float()


def edge_loss(edges: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the binary cross entropy of edge logits, in which edges count by the share of the rest, and the reverse.

    Args:
        edges: (N, 1, H, W) float32.
        target: (N, H, W) int64 class indices.
    """
    labelled = (target != IGNORE_INDEX)[:, None].float()
    count = labelled.sum().clamp(min=1)
    truth = edge_truth(target)
    share = truth.sum() / count
    weight = labelled * torch.where(truth > 0, 1 - share, share)
    return functional.binary_cross_entropy_with_logits(edges, truth, weight, reduction="sum") / count


def only_at_edges(edges: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return class indices of which all are ignored but those where the edge logits are certain of an edge."""
    return torch.where(torch.sigmoid(edges[:, 0]) > _CERTAIN_EDGE, target, IGNORE_INDEX)


def dual_task_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return how much the borders in the prediction differ from those in the truth.

    Borders are the slopes of each class's map, 1 at a straight border. Their mean difference is taken once where the
    prediction has a slope, once where the truth has, half each. The prediction is drawn by the Gumbel softmax, which is
    almost as sharp as the truth and still has a gradient (Jang et al. 2017, https://arxiv.org/abs/1611.01144), with
    torch's random numbers. In the published network slopes are divided by their maximum, here by that of a straight
    border: so one pixel decides nothing about all others, and a map without borders is not taken for one with some.

    Args:
        logits: (N, K, H, W) float32.
        target: (N, H, W) int64 class indices; pixels beside ignored ones are ignored too.
    """
    ignored = (target == IGNORE_INDEX)[:, None]
    known = functional.max_pool2d(ignored.float(), 3, stride=1, padding=1) == 0
    truth = torch.zeros_like(logits).scatter_(1, target.clamp(min=0)[:, None], 1.0)
    drawn = functional.gumbel_softmax(logits, tau=_TEMPERATURE, dim=1)
    predicted, true = (gradient_magnitude(one) / _FULL_SLOPE for one in (drawn, truth))
    difference = (predicted - true).abs()
    return (
        _mean(difference, known & (predicted > _LEAST_SLOPE)) + _mean(difference, known & (true > _LEAST_SLOPE))
    ) / 2


def _mean(x: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    return (x * where).sum() / where.sum().clamp(min=1)
