"""Losses that are a mean over pixels: the cross entropies and the focal loss.

Each is given by its costs: what a pixel would cost if class m were its label.
"""

from __future__ import annotations

from itertools import accumulate

import torch

from .judged import TINY, Judged

_LEAST_DOUBT = torch.finfo(torch.float32).eps  # below 1, the power's slope at 0 is infinite


def cross_entropy(judged: Judged) -> torch.Tensor:
    """Return the mean of -log p of the label."""
    return _mean(judged, -judged.log_probability)


def focal(judged: Judged, gamma: float) -> torch.Tensor:
    """Return the mean of -(1 - p)**gamma * log p of the label: pixels that are nearly right count less.

    Source:
        Lin et al.: Focal loss for dense object detection (2017), https://arxiv.org/abs/1708.02002, on the softmax.
    """
    doubt = (-torch.expm1(judged.log_probability)).clamp(min=_LEAST_DOUBT)
    return _mean(judged, -(doubt**gamma) * judged.log_probability)


def binary_cross_entropy(judged: Judged) -> torch.Tensor:
    """Return the mean of the cross entropies of each class against all others; of two classes it is `cross_entropy`."""
    against = _log_of_others(judged.log_probability)
    costs = against - judged.log_probability - against.sum(dim=1, keepdim=True)
    return _mean(judged, costs / costs.shape[1])


def _mean(judged: Judged, costs: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean over pixels; smoothed labels cost as much as all labels would by their share."""
    class_weights, smoothing = judged.class_weights, judged.label_smoothing
    of_label = class_weights[judged.labels]
    cost = of_label * costs.gather(1, judged.labels[:, None])[:, 0]
    if smoothing > 0:
        of_any = (class_weights[:, None, None] * costs).mean(dim=1)
        cost = (1 - smoothing) * cost + smoothing * of_any
    return (judged.weights * cost).sum() / (judged.weights * of_label).sum().clamp(min=TINY)


def _log_of_others(log_probability: torch.Tensor) -> torch.Tensor:
    """Return log(1 - p) (N, K, H, W), exact also where p is so near to 1 that 1 - p would be 0."""
    parts = log_probability.unbind(dim=1)
    first = list(accumulate(parts, torch.logaddexp))[:-1]
    last = list(accumulate(reversed(parts), torch.logaddexp))[-2::-1]
    between = [torch.logaddexp(before, after) for before, after in zip(first, last[1:], strict=False)]
    return torch.stack([last[0], *between, first[-1]], dim=1)
