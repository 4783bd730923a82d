"""What training minimises. Pixels labelled IGNORE_INDEX have no part in any loss, and no gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...geoseg_plugin.contract.loss_formula import Term
from .borders import weigh_borders
from .judged import Judged
from .overlap import f_beta, lovasz, tversky
from .pixelwise import binary_cross_entropy, cross_entropy, focal

IGNORE_INDEX = -1

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TrainingLoss = Callable[[Any, torch.Tensor], torch.Tensor]  # of what a network gives in training mode

# Each takes what is judged, and its arguments in contract.loss_formula.LOSS_ARGUMENTS.
_LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "cross entropy": cross_entropy,
    "binary cross entropy": binary_cross_entropy,
    "focal": focal,
    "dice": lambda judged: tversky(judged, 0.5, 0.5),
    "jaccard": lambda judged: tversky(judged, 1.0, 1.0),
    "tversky": tversky,
    "f-beta": f_beta,
    "f1": lambda judged: f_beta(judged, 1.0),
    "f2": lambda judged: f_beta(judged, 2.0),
    "lovasz": lovasz,
}


@dataclass(frozen=True)
class LossSettings:
    """What a loss is made of.

    Attributes:
        terms: The losses that are summed up.
        class_weights: What a pixel of each class counts (K,), 0 or more; () where all count the same.
        label_smoothing: Share of certainty that cross entropies take from labels and spread over all classes, 0 to 1.
        border_weight: How much more pixels at the border between two classes count; 0 where all count the same.
        border_width: How far from the border that reaches, in pixels.
    """

    terms: tuple[Term, ...]
    class_weights: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    border_weight: float = 0.0
    border_width: int = 4


class SummedLoss:
    """The sum of the losses of its settings, of logits (N, K, H, W) in any precision and class indices (N, H, W) int64.

    It is a float32 scalar, which is 0 where all pixels are ignored. All losses are of the softmax, as prediction is. A
    pixel with the border weight w has the same part in each as w pixels without. Class weights make cross entropies and
    the focal loss a weighted mean over pixels, the others a weighted mean over the classes that the batch shows, times
    the share that these are of all classes.

    Args:
        settings: What it is made of.
    """

    def __init__(self, settings: LossSettings) -> None:
        self._settings = settings

    @property
    def names(self) -> tuple[str, ...]:
        """The losses that are summed up, in words."""
        return tuple(str(term) for term in self._settings.terms)

    def parts(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return what each of them adds (T,), with its weight."""
        judged = _judge(self._settings, logits, target)
        terms = self._settings.terms
        return torch.stack([term.weight * _LOSSES[term.loss](judged, *term.arguments) for term in terms])

    def __call__(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return their sum."""
        return self.parts(logits, target).sum()


def _judge(settings: LossSettings, logits: torch.Tensor, target: torch.Tensor) -> Judged:
    known = target != IGNORE_INDEX
    labels = target.clamp(min=0)
    weights = known.float()
    if settings.border_weight > 0:
        weights = weights * weigh_borders(labels, known, settings.border_weight, settings.border_width)
    class_weights = settings.class_weights or (1.0,) * logits.shape[1]
    return Judged(
        logits.float(), labels, weights, torch.tensor(class_weights, device=logits.device), settings.label_smoothing
    )
