"""From which probability on a pixel is best called a class, by the tiles that a model was measured on."""

from __future__ import annotations

from contextlib import closing
from itertools import zip_longest

import numpy as np
import torch
from numpy.typing import NDArray

from ...contract.events import Report
from ..processes.processes import SharedReport
from .course import Course
from .validation import predict

_BINS = 100


def find_thresholds(course: Course, weights: dict[str, torch.Tensor], report: Report) -> dict[str, float]:
    """Return for each class but the first, by name, the threshold with the highest F1, to two digits.

    Classes that no tile shows are left out. Several processes each look at their tiles, and all return the same.

    Args:
        course: What training works with; its network is given the weights.
        weights: Those of the best epoch.
        report: Hears of progress, and of them. When the user asks to stop, {} is returned, since the model is there
            already.
    """
    course.network.load_state_dict(weights)
    course.network.eval()
    names, shared = course.dataset.classes.names, SharedReport(report, course.processes)
    counts = torch.zeros((len(names) - 1, 2, _BINS), dtype=torch.int64)
    rounds = course.batches.count_rounds(len(course.measured))
    with torch.inference_mode(), closing(course.batches.by_turns(course.measured)) as feed:
        for number, (batch, _) in enumerate(zip_longest(feed, range(rounds)), start=1):
            if shared.is_cancelled():
                report.warn("Cancelled while looking for thresholds: the model is there, but its card has none.")
                return {}
            if batch is not None:
                logits = predict(course.network, batch.images, course.precision)
                counts += count_probabilities(logits, batch.labels.to(logits.device)).cpu()
            report.progress(number / rounds, "Looking for thresholds")
    total = sum(course.processes.gather(counts.numpy()))
    found = {name: best_threshold(*one) for name, one in zip(names[1:], total, strict=True)}
    known = {name: threshold for name, threshold in found.items() if threshold is not None}
    if known:
        told = ", ".join(f"{name} {threshold:.2f}" for name, threshold in known.items())
        report.note(f"Thresholds of probability with the highest F1: {told}")
    return known


def count_probabilities(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Count pixels by probability, for each class but the first.

    Args:
        logits: (N, K, H, W).
        truth: (N, H, W) int64 class indices; negative ones are left out.

    Returns:
        (K - 1, 2, 100) int64: pixels that are of other classes, and that are of this one, by hundredths.
    """
    known = truth >= 0
    labels, probabilities = truth[known], torch.softmax(logits, dim=1)
    counts = []
    for index in range(1, logits.shape[1]):
        bins = (probabilities[:, index][known] * _BINS).long().clamp_(0, _BINS - 1)
        counts.append(torch.bincount(bins + _BINS * (labels == index), minlength=2 * _BINS).reshape(2, _BINS))
    return torch.stack(counts)


def best_threshold(others: NDArray[np.int64], own: NDArray[np.int64]) -> float | None:
    """Return the threshold with the highest F1; of equal ones the nearest to a half. None without own pixels.

    Args:
        others: (100,) pixels of other classes, by hundredths of probability.
        own: (100,) pixels of this class.
    """
    if not own.any():
        return None
    edges = np.arange(1, _BINS)
    wrong, right = (np.cumsum(one[::-1])[::-1][1:] for one in (others, own))
    scores = 2 * right / (right + wrong + own.sum())
    best = edges[scores == scores.max()]
    return float(best[np.abs(best - _BINS / 2).argmin()] / _BINS)
