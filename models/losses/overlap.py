"""Losses that measure, class by class, how well the areas that are predicted and true overlap.

The areas are those of the whole batch. A class without a true pixel in the batch adds 0 to the mean over the classes:
what is predicted of it is missing in the areas of the others, which tell the network so. Class weights only say what
these others count beside each other, so that they teach as much as ever where a class of great weight is missing.
"""

from __future__ import annotations

import torch

from .judged import TINY, Judged

_LEAST_AREA = 1e-7


def tversky(judged: Judged, false_positives: float, false_negatives: float) -> torch.Tensor:
    """Return 1 - TP / (TP + a FP + b FN), the mean over classes.

    With a = b = 0.5 it is Dice's, with a = b = 1 Jaccard's.

    Source:
        Salehi et al.: Tversky loss function for image segmentation (2017), https://arxiv.org/abs/1706.05721.
    """
    truth = _truth(judged)
    counted = judged.weights[:, None] * judged.probability
    true_area = (judged.weights[:, None] * truth).sum(dim=(0, 2, 3))
    hits = (counted * truth).sum(dim=(0, 2, 3))
    false_alarms = counted.sum(dim=(0, 2, 3)) - hits
    area = hits + false_positives * false_alarms + false_negatives * (true_area - hits)
    return _mean(judged, 1 - hits / area.clamp(min=_LEAST_AREA), true_area > 0)


def f_beta(judged: Judged, beta: float) -> torch.Tensor:
    """Return 1 - F-beta, the mean over classes; above 1 beta makes misses worse, below 1 false alarms."""
    misses = beta**2 / (1 + beta**2)
    return tversky(judged, 1 - misses, misses)


def lovasz(judged: Judged) -> torch.Tensor:
    """Return the Lovasz extension of 1 - IoU on the softmax, the mean over classes.

    Source:
        Berman et al.: The Lovasz-softmax loss (2018), https://arxiv.org/abs/1705.08790, there for pixels that count 1.
    """
    counts = judged.weights > 0
    labels, weights = judged.labels[counts], judged.weights[counts].double()
    present = torch.bincount(labels, minlength=judged.logits.shape[1]) > 0
    nothing = 0 * judged.probability.sum()
    losses = [
        _lovasz_of_class(judged.probability[:, index][counts], labels == index, weights) if occurs else nothing
        for index, occurs in enumerate(present.tolist())
    ]
    return _mean(judged, torch.stack(losses), present)


def _lovasz_of_class(probability: torch.Tensor, truth: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the loss of a class from its probabilities, where it is true, and what pixels count (P,), above 0."""
    errors, order = (truth.float() - probability).abs().sort(descending=True)
    true_areas, other_areas = (weights * truth)[order].cumsum(0), (weights * ~truth)[order].cumsum(0)
    iou = (true_areas[-1] - true_areas) / (true_areas[-1] + other_areas)
    slopes = -torch.diff(iou, prepend=iou.new_ones(1))
    return torch.dot(errors, slopes.float())


def _truth(judged: Judged) -> torch.Tensor:
    """Return which class is true where (N, K, H, W)."""
    classes = torch.arange(judged.logits.shape[1], device=judged.labels.device)
    return judged.labels[:, None] == classes[:, None, None]


def _mean(judged: Judged, losses: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean of the losses of the classes present (K,), by the share of these of all that count."""
    counting = judged.class_weights > 0
    weights = judged.class_weights * present
    share = (counting & present).sum() / counting.sum().clamp(min=1)
    return share * (weights * losses).sum() / weights.sum().clamp(min=TINY)
