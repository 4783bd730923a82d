"""What training minimises. Pixels labelled IGNORE_INDEX have no part in any loss, and no gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from segmentation_models_pytorch import losses as smp_losses
from torch.nn import functional

from ...geoseg_plugin.contract.loss_formula import Term

IGNORE_INDEX = -1

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TrainingLoss = Callable[[Any, torch.Tensor], torch.Tensor]  # of what a network gives in training mode


@dataclass(frozen=True)
class LossSettings:
    """What a loss is made of.

    Attributes:
        terms: The losses that are summed up.
        class_weights: What a pixel of each class counts (K,), 1 in the mean; () where all count the same.
        label_smoothing: Share of certainty that cross entropies take from labels and spread over all classes, 0 to 1.
        border_weight: How much more pixels at the border between two classes count; 0 where all count the same.
        border_width: How far from the border that reaches, in pixels.
    """

    terms: tuple[Term, ...]
    class_weights: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    border_weight: float = 0.0
    border_width: int = 4


def build_loss(settings: LossSettings) -> Loss:
    """Return a loss that takes logits (N, K, H, W) in any precision and class indices (N, H, W) int64.

    It returns a float32 scalar, which is 0 where all pixels are ignored.
    """
    parts = [(term.weight, _PARTS[term.loss]) for term in settings.terms]

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        return torch.stack([weight * part(logits, target) for weight, part in parts]).sum()

    return loss


_FOCAL_GAMMA = 2.0
_TVERSKY_FALSE_POSITIVES, _TVERSKY_FALSE_NEGATIVES = 0.3, 0.7


def _cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    total = functional.cross_entropy(logits, target, ignore_index=IGNORE_INDEX, reduction="sum")
    return total / _count(target)


def _focal(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Focal loss on the softmax (Lin et al. 2017, https://arxiv.org/abs/1708.02002).

    That of segmentation-models-pytorch takes a sigmoid per class, which is not what prediction does, and gives NaN
    where all pixels are ignored.
    """
    entropy = functional.cross_entropy(logits, target, ignore_index=IGNORE_INDEX, reduction="none")
    doubt = 1 - torch.exp(-entropy)
    return (doubt**_FOCAL_GAMMA * entropy).sum() / _count(target)


def _count(target: torch.Tensor) -> torch.Tensor:
    return (target != IGNORE_INDEX).sum().clamp(min=1)


def _lovasz(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    # Where all pixels are ignored the library returns an empty tensor, of which the sum is 0.
    loss: torch.Tensor = smp_losses.LovaszLoss("multiclass", ignore_index=IGNORE_INDEX)(logits, target)
    return loss.sum()


_PARTS: dict[str, Loss] = {
    "cross entropy": _cross_entropy,
    "focal": _focal,
    "lovasz": _lovasz,
    "dice": smp_losses.DiceLoss("multiclass", ignore_index=IGNORE_INDEX),
    "jaccard": smp_losses.JaccardLoss("multiclass", ignore_index=IGNORE_INDEX),
    "tversky": smp_losses.TverskyLoss(
        "multiclass", ignore_index=IGNORE_INDEX, alpha=_TVERSKY_FALSE_POSITIVES, beta=_TVERSKY_FALSE_NEGATIVES
    ),
}
