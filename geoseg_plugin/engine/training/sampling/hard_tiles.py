"""Draws that prefer tiles that the network gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

# Of the mean error. It keeps tiles that no network can learn, as their labels are wrong, from filling the epochs.
_LARGEST_COUNTED = 9.0
_ERRORS = "errors"


class HardTileSampler:
    """Shows tiles more often the more of their pixels the network got wrong when it last saw them.

    First, tiles come of which no error is known. The others are due in proportion to 1 + error / mean error, at most
    10: a tile without error comes half as often as a mean one, so that none is forgotten. What is due is drawn
    systematically: a tile comes as often as it is due, rounded up or down.

    Tiles take the place that pixels have in online hard example mining; that the last known error decides, and that
    losses are not weighted in return, is as in online batch selection.

    Source:
        Shrivastava et al.: Training region-based object detectors with online hard example mining (2016),
        https://arxiv.org/abs/1604.03540; Loshchilov and Hutter: Online batch selection for faster training of neural
        networks (2015), https://arxiv.org/abs/1511.06343; Madow and Madow: On the theory of systematic sampling (1944),
        https://doi.org/10.1214/aoms/1177731312.

    Args:
        tiles: How many there are.
        length: Tiles in an epoch.
        seed: Another number draws others.
    """

    wants_errors = True

    def __init__(self, tiles: int, length: int, seed: int) -> None:
        self._errors = np.full(tiles, np.nan)
        self._length = length
        self._seed = seed

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Return the tiles of an epoch, as `Sampler.draw` says."""
        chance = np.random.default_rng([self._seed, epoch])
        unknown = chance.permutation(np.flatnonzero(np.isnan(self._errors)))[: self._length]
        due = (self._length - len(unknown)) * due_shares(self._errors)
        return np.asarray(chance.permutation(np.concatenate([unknown, draw_due(due, chance)])), dtype=np.int64)

    def note(self, places: NDArray[np.integer[Any]], errors: NDArray[np.floating[Any]]) -> None:
        """Remember what `tile_errors` told of some tiles; of one given twice, the last counts."""
        self._errors[places] = errors

    def state(self) -> dict[str, Any]:
        """Return the errors known of the tiles."""
        return {_ERRORS: torch.from_numpy(self._errors.copy())}

    def restore(self, state: dict[str, Any]) -> None:
        """Know the errors that `state` returned."""
        self._errors = state[_ERRORS].numpy().copy()


def due_shares(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares (N,) of an epoch that are due to tiles, 1 together.

    Args:
        errors: Of the tiles (N,), 0 to 1; NaN where unknown, which counts as the mean error.
    """
    known = ~np.isnan(errors)
    mean = errors[known].mean() if known.any() else 0.0
    relative = np.ones(len(errors))
    if mean > 0:
        relative[known] = np.minimum(errors[known] / mean, _LARGEST_COUNTED)
    return np.asarray((1 + relative) / (1 + relative).sum())


def draw_due(due: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.int64]:
    """Return each tile as often as it is due, rounded up or down by chance, so that the number is the sum.

    Args:
        due: How often each tile is due (N,); together a whole number.
        chance: What decides.
    """
    order = chance.permutation(len(due))
    marks = np.arange(round(float(due.sum()))) + chance.random()
    places = np.searchsorted(np.cumsum(due[order]), marks, side="right")
    return np.asarray(order[np.minimum(places, len(due) - 1)], dtype=np.int64)
