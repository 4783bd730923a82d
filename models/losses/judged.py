"""What losses look at: scores, the truth, and how much each pixel counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

TINY = torch.finfo(torch.float32).tiny  # what sums of weights are at least, so that they can be divided by


@dataclass(frozen=True)
class Judged:
    """What a network says of a batch, beside the truth.

    A pixel that counts w has the same part in every loss as w pixels that count 1.

    Attributes:
        logits: (N, K, H, W) float32.
        labels: (N, H, W) int64 class indices, any of them where a pixel does not count.
        weights: (N, H, W) float32, what a pixel counts: 0 where it is to be ignored.
        class_weights: (K,) float32, what a class counts.
        label_smoothing: Share of certainty that is taken from the labels and spread over all classes, 0 to 1.
    """

    logits: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    class_weights: torch.Tensor
    label_smoothing: float

    @cached_property
    def log_probability(self) -> torch.Tensor:
        """Logarithms of the softmax probabilities (N, K, H, W)."""
        return torch.log_softmax(self.logits, dim=1)

    @cached_property
    def probability(self) -> torch.Tensor:
        """The softmax probabilities (N, K, H, W)."""
        return self.log_probability.exp()
