"""Draws from groups of tiles, of each as many as are due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Quotas = Callable[[int], Sequence[int]]


class Group:
    """Tiles of which none is drawn again before all others have been.

    Within one call and over all calls together, each is drawn as often as any other, or once more.

    Args:
        places: The tiles (N,), as numbers.
    """

    def __init__(self, places: NDArray[np.int64]) -> None:
        self._places = places
        self._extra = np.zeros(len(places), dtype=np.int64)  # how often drawn beside whole rounds

    def take(self, count: int, chance: np.random.Generator) -> NDArray[np.int64]:
        """Draw so many tiles: whole rounds first, then a part, for which those go first that have been in fewest.

        Args:
            count: How many; 0 where the group is empty.
            chance: What decides.
        """
        if count == 0:
            return self._places[:0]
        rounds, rest = divmod(count, len(self._places))
        drawn = [chance.permutation(len(self._places)) for _ in range(rounds)]
        if rest:
            order = chance.permutation(len(self._places))
            part = order[np.argsort(self._extra[order], kind="stable")[:rest]]
            self._extra[part] += 1
            drawn.append(part)
        return self._places[np.concatenate(drawn)]


class GroupSampler:
    """Shows tiles of groups, of each as many as are due in that epoch, mixed by chance.

    What an epoch shows depends on the seed and its number alone. An epoch out of turn takes longer: those before it are
    drawn too, as a group goes on where it stopped.

    Args:
        groups: The tiles of each group, as numbers; a tile may be in several.
        quotas: Tells of an epoch how many tiles of each group are due.
        seed: Another number draws others.
    """

    wants_errors = False

    def __init__(self, groups: Sequence[NDArray[np.int64]], quotas: Quotas, seed: int) -> None:
        self._tiles = groups
        self._quotas = quotas
        self._seed = seed
        self._rewind()

    def _rewind(self) -> None:
        self._groups = [Group(places) for places in self._tiles]
        self._drawn = 0

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Return the tiles of an epoch, as `Sampler.draw` says."""
        if epoch <= self._drawn:
            self._rewind()
        while self._drawn < epoch - 1:
            self._draw_next()
        return self._draw_next()

    def _draw_next(self) -> NDArray[np.int64]:
        self._drawn += 1
        chance = np.random.default_rng([self._seed, self._drawn])
        quotas = self._quotas(self._drawn)
        taken = [group.take(quota, chance) for group, quota in zip(self._groups, quotas, strict=True)]
        turns = chance.permutation(np.repeat(np.arange(len(quotas)), quotas))
        order = np.empty(len(turns), dtype=np.int64)
        for number, places in enumerate(taken):
            order[turns == number] = places
        return order

    def note(self, places: NDArray[np.integer[Any]], errors: NDArray[np.floating[Any]]) -> None:
        """Do nothing: errors change no draw here."""

    def state(self) -> dict[str, Any]:
        """Return nothing: seed and epoch tell all."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Do nothing, as `state` holds nothing."""


def equal_quotas(groups: int, tiles: int) -> Quotas:
    """Return what makes the groups equal, within one tile in each epoch and over all epochs together.

    The groups take turns, and an epoch goes on where the one before stopped.

    Args:
        groups: Number of groups.
        tiles: Tiles in an epoch.
    """

    def turns_before(slot: int) -> NDArray[np.int64]:
        return (slot - np.arange(groups) + groups - 1) // groups

    return lambda epoch: (turns_before(epoch * tiles) - turns_before((epoch - 1) * tiles)).tolist()
