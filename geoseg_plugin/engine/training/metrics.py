"""Figures from a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


def confusion_matrices(truth: torch.Tensor, predicted: torch.Tensor, classes: int) -> torch.Tensor:
    """Count pixels by truth (rows) and prediction (columns), for each tile.

    Args:
        truth: (N, H, W) int64 class indices; negative ones are left out.
        predicted: (N, H, W) int64 class indices.
        classes: Number of classes K.

    Returns:
        (N, K, K) int64, on the device of the arguments.
    """
    tiles = truth.shape[0]
    tile = torch.arange(tiles, device=truth.device)[:, None, None]
    cell = (tile * classes + truth) * classes + predicted
    counts = torch.bincount(cell[truth >= 0], minlength=tiles * classes * classes)
    return counts.reshape(tiles, classes, classes)


@dataclass(frozen=True)
class Scores:
    """How well a prediction fits the truth.

    A class that is not in the truth has NaN, whether it is predicted or not, so that the means of several predictions
    are over the same classes; pixels wrongly predicted as it lower the figures of those that they are of. A precision
    without a predicted pixel is NaN too.

    Attributes:
        iou: (K,) intersection over union of each class.
        f1: (K,) harmonic mean of precision and recall, also known as Dice.
        precision: (K,) share of the predicted pixels that are true.
        recall: (K,) share of the true pixels that are predicted.
        mean_iou: Mean of `iou` over the classes that occur in the truth; NaN without any pixel.
        foreground_iou: The same without the first class; NaN where the truth has no other.
        accuracy: Share of all pixels that are right; NaN without any pixel.
    """

    iou: NDArray[np.float64]
    f1: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    mean_iou: float
    foreground_iou: float
    accuracy: float

    @classmethod
    def of(cls, matrix: NDArray[np.int64]) -> Scores:
        """Compute them from a confusion matrix (K, K), truth in rows and prediction in columns."""
        counts = matrix.astype(np.float64)
        right, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
        occurs = true > 0
        iou = _ratio(right, (true + predicted - right) * occurs)
        return cls(
            iou=iou,
            f1=_ratio(2 * right, (true + predicted) * occurs),
            precision=_ratio(right, predicted),
            recall=_ratio(right, true),
            mean_iou=_mean(iou[occurs]),
            foreground_iou=_mean(iou[1:][occurs[1:]]),
            accuracy=float(right.sum() / counts.sum()) if occurs.any() else float("nan"),
        )


def trivial_matrix(matrix: NDArray[np.int64], index: int) -> NDArray[np.int64]:
    """Return the confusion matrix that calling every pixel class `index` would have."""
    trivial = np.zeros_like(matrix)
    trivial[:, index] = matrix.sum(axis=1)
    return trivial


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
