"""How wrong a network is on tiles."""

from __future__ import annotations

import torch


def tile_errors(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the share of wrong pixels of each tile (N,) float32; 0 for a tile without labelled pixels.

    Wrong pixels rather than a loss, since the share means the same with every loss, has a largest value that a few odd
    pixels cannot exceed, and is 0 for a tile from which nothing is left to learn; and it takes no softmax.

    Args:
        logits: (N, K, H, W).
        labels: (N, H, W) class indices; negative ones are left out.
    """
    counted = labels >= 0
    wrong = (choose_classes(logits) != labels) & counted
    return wrong.sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)


def choose_classes(logits: torch.Tensor) -> torch.Tensor:
    """Return the index of the strongest class (N, H, W) int32 from logits (N, K, H, W).

    A running maximum, since argmax over the second axis takes several times as long on a processor. Of equals the first
    wins.
    """
    logits = logits.detach()
    best = logits[:, 0].clone()
    indices = torch.zeros(best.shape, dtype=torch.int32, device=logits.device)
    for index in range(1, logits.shape[1]):
        one = logits[:, index]
        indices.masked_fill_(one > best, index)
        torch.maximum(best, one, out=best)
    return indices
