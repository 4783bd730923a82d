"""What training minimises. Pixels labelled IGNORE_INDEX have no part in any loss, and no gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from segmentation_models_pytorch import losses as smp_losses
from torch.nn import functional

from ..geoseg_plugin.contract.errors import RequestError
from ..geoseg_plugin.contract.stages.training import LOSSES

IGNORE_INDEX = -1

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_FOCAL_GAMMA = 2.0
# Missed pixels weigh more than invented ones: Salehi et al. 2017, https://arxiv.org/abs/1706.05721
_TVERSKY_FALSE_POSITIVES, _TVERSKY_FALSE_NEGATIVES = 0.3, 0.7


def build_loss(name: str) -> Loss:
    """Return a loss by its name in `contract.stages.training.LOSSES`.

    It takes logits (N, K, H, W) in any precision and class indices (N, H, W) int64, and returns a float32 scalar,
    which is 0 where all pixels are ignored.

    Raises:
        RequestError: There is no such loss.
    """
    if name not in LOSSES:
        raise RequestError(f"The loss '{name}' is not known.", f"Choose one of: {', '.join(LOSSES)}.")
    parts = [_PARTS[part] for part in name.split(" + ")]

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        return torch.stack([part(logits, target) for part in parts]).sum()

    return loss


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
