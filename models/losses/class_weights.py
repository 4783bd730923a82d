"""What a pixel of each class counts, from how many there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Counts = NDArray[np.int64]
_Weights = NDArray[np.float64]


def weigh_classes(kind: str, counts: NDArray[np.int64]) -> tuple[float, ...]:
    """Return a weight for each class (K,): more where it is rare, 0 where it does not occur, 1 in the mean of the rest.

    Args:
        kind: One of `contract.stages.training.CLASS_WEIGHTS` but "none" and "given".
        counts: Labelled pixels of each class in each tile (N, K).
    """
    present = counts.sum(axis=0) > 0
    weights = np.zeros(len(present))
    if present.any():
        weights[present] = _KINDS[kind](counts[:, present])
        weights /= weights[present].mean()
    return tuple(weights.tolist())


def _inverse_frequency(counts: _Counts) -> _Weights:
    return np.asarray(1 / counts.sum(axis=0))


def _median_frequency(counts: _Counts) -> _Weights:
    """The inverse of the share that a class has of the pixels in the tiles where it occurs.

    Where it is, not how often: a class that fills few tiles counts less than by `_inverse_frequency`. The median, which
    gives the method its name, is a factor that scaling takes out again.

    Source:
        Eigen and Fergus: Predicting depth, surface normals and semantic labels (2015), https://arxiv.org/abs/1411.4734.
    """
    around = (counts > 0).T @ counts.sum(axis=1)
    return np.asarray(around / counts.sum(axis=0))


def _effective_number(counts: _Counts) -> _Weights:
    """The inverse of how many pixels really differ where a class has no more than N such, its mean number of pixels.

    Rare classes are weighted almost as by `_inverse_frequency`, common ones almost alike.

    Source:
        Cui et al.: Class-balanced loss (2019), https://arxiv.org/abs/1901.05555, with beta = 1 - 1 / N.
    """
    pixels = counts.sum(axis=0)
    most = max(float(pixels.mean()), 2.0)
    return np.asarray(-1 / np.expm1(pixels * np.log1p(-1 / most)))


_KINDS: dict[str, Callable[[_Counts], _Weights]] = {
    "inverse frequency": _inverse_frequency,
    "median frequency": _median_frequency,
    "effective number": _effective_number,
}
