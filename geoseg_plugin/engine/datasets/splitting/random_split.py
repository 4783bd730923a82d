"""Drawing single tiles for the sets, so that tiles of different sets share no ground."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION, Split
from ..ground import Ground
from .draws import name_sets, shares_of
from .ground_split import tell_unused
from .separation import find_neighbours

_NONE = -1
_LEAST_KEPT = 0.5


def split_at_random(
    ground: Ground, shares: Mapping[Split, float], *, buffer: float, seed: int, report: Report
) -> NDArray[np.object_]:
    """Draw which tiles (N,) are for which set, one after the other; no set gets more than its share.

    A tile near which none is drawn yet goes to the set that lacks most, one near tiles of a single set to that set; it
    is unused where that set is full, or where tiles of two sets are near.

    Args:
        ground: The tiles (N), in pixels.
        shares: Share of tiles wanted for validation and test, in percent.
        buffer: Least distance between tiles of different sets, in pixels.
        seed: Another number draws another split.
        report: Hears of leakage, and how many tiles are left unused.

    Raises:
        InputError: A set stays empty, or training keeps less than half of its share.
        Cancelled: The user has asked to stop.
    """
    report.warn(
        "METHOD is 'random': tiles of different sets lie side by side and look alike, so that figures are too good."
    )
    count, asked = len(ground), shares_of(shares)
    held_out = np.maximum(np.round(asked * count), asked > 0)
    wanted = np.array([max(1, count - held_out.sum()), *held_out])
    order = np.random.default_rng(seed).permutation(count)
    drawn, sizes = np.full(count, _NONE), np.zeros(len(wanted))
    for tile, near in zip(order.tolist(), find_neighbours(ground, order, buffer, report), strict=True):
        sets = np.unique(drawn[near])
        sets = sets[sets != _NONE]
        lacking = wanted - sizes
        if len(sets) == 0:
            chosen = int((lacking / np.maximum(wanted, 1)).argmax())
        else:
            chosen = int(sets[0]) if len(sets) == 1 else _NONE
        if chosen != _NONE and lacking[chosen] >= 1:
            drawn[tile] = chosen
            sizes[chosen] += 1
    _check(sizes, wanted, buffer)
    splits = np.where(drawn == _NONE, UNUSED, name_sets(drawn))
    tell_unused(splits, buffer, report, before=np.full(count, TRAIN, dtype=object))
    return splits


def _check(sizes: NDArray[np.float64], wanted: NDArray[np.float64], buffer: float) -> None:
    """Refuse a draw that leaves a set empty, or training little of what was asked for."""
    reach = f"lie closer than {buffer:g} pixels to" if buffer else "share ground with"
    fix = "Set METHOD to 'spatial blocks', which loses few tiles, or make tiles that overlap less."
    for name, size, asked in zip((TRAIN, VALIDATION, TEST), sizes, wanted, strict=True):
        if size == 0 < asked:
            raise InputError(f"No {name} tile is left: too many tiles {reach} others.", fix)
    if sizes[0] < _LEAST_KEPT * wanted[0]:
        raise InputError(
            f"Only {sizes[0]:.0f} of {wanted[0]:.0f} training tiles are left: too many tiles {reach} tiles of another "
            "set.", fix,
        )  # fmt: skip
