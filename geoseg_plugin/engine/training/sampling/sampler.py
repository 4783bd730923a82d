"""How tiles are drawn for an epoch, as asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.quoting import quote_names
from ....contract.stages.training import TrainSegmentation
from ....contract.stages.training_parts.sampling import BALANCED, EVERY, HARD, TARGET
from ...datasets.dataset import Dataset, Tile
from ..class_counts import read_class_counts
from .groups import GroupSampler, equal_quotas
from .hard_tiles import HardTileSampler
from .target import choose_targets

_WITHOUT_COUNTS = f"Or set SAMPLING to '{EVERY}' or '{HARD}'."


class Sampler(Protocol):
    """Draws the tiles of an epoch. Tiles are places in the sequence that the sampler was built for.

    Attributes:
        wants_errors: Whether what `note` hears changes what is drawn.
    """

    wants_errors: bool

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Return the tiles of an epoch in the order in which they are shown; the same whenever it is asked for.

        Where errors are wanted, this holds as long as no further ones are noted.

        Args:
            epoch: Its number, from 1.
        """

    def note(self, places: NDArray[np.integer[Any]], errors: NDArray[np.floating[Any]]) -> None:
        """Hear how wrong the network was.

        Args:
            places: Tiles (N,).
            errors: Of each (N,) what `tile_errors` gave.
        """

    def state(self) -> dict[str, Any]:
        """Return what a sampler built alike must know to draw the same; plain values and tensors."""

    def restore(self, state: dict[str, Any]) -> None:
        """Know what `state` returned."""


def epoch_length(request: TrainSegmentation, tiles: int, shown: float) -> int:
    """Return how many tiles an epoch shows.

    Args:
        request: Its EPOCH_TILES; where it is 0, an epoch has the pixels of all tiles.
        tiles: Number of training tiles.
        shown: Share of the pixels of a tile that is shown at a time.
    """
    return request.epoch_tiles or round(tiles / shown)


def build_sampler(
    request: TrainSegmentation, dataset: Dataset, learned: Sequence[Tile], length: int, report: Report
) -> Sampler:
    """Return the sampler that was asked for.

    Args:
        request: Its SAMPLING and the parameters that belong to it.
        dataset: The dataset.
        learned: Its training tiles.
        length: How many tiles an epoch shows.
        report: Hears what an epoch shows, where that is not all tiles once, and of classes that cannot be drawn.

    Raises:
        RequestError: TARGET_CLASSES names no class of the dataset.
        InputError: There are no tiles to draw from, or tiles.gpkg does not tell what tiles show.
    """
    if request.sampling == HARD:
        return HardTileSampler(len(learned), length, request.seed)
    if request.sampling == EVERY:
        if length != len(learned):
            report.note(
                f"An epoch shows {length} tiles or parts; in time, all {len(learned)} training tiles come equally "
                "often."
            )
        return GroupSampler([np.arange(len(learned))], lambda _: (length,), request.seed)
    shows = read_class_counts(dataset, learned, _WITHOUT_COUNTS) > 0
    build = {TARGET: _target_sampler, BALANCED: _balanced_sampler}[request.sampling]
    return build(request, dataset, shows, length, report)


def _target_sampler(
    request: TrainSegmentation, dataset: Dataset, shows: NDArray[np.bool_], length: int, report: Report
) -> GroupSampler:
    """Draw an exact share of tiles that show a target class.

    Args:
        request: Its TARGET_SHARE, TARGET_CLASSES and SEED.
        dataset: The dataset.
        shows: Whether a tile shows a class (N, K).
        length: Tiles in an epoch.
        report: Hears how many tiles there are with and without, and of a share that comes to none.

    Raises:
        RequestError: TARGET_CLASSES names no class of the dataset.
        InputError: There are no tiles with, or none without, though some are due.
    """
    targets = choose_targets(request.target_classes, dataset.classes.names)
    has_target, names = shows[:, targets].any(axis=1), _listed(dataset, targets)
    with_target, others = np.flatnonzero(has_target), np.flatnonzero(~has_target)
    _check_share(request.target_share, len(with_target), len(others), names)
    due = round(request.target_share / 100 * length)
    report.note(
        f"An epoch shows {due} tiles with a target class ({names}; there are {len(with_target)}), and {length - due} "
        f"without ({len(others)})."
    )
    if due in (0, length) and 0 < request.target_share < 100:
        report.warn(
            f"TARGET_SHARE is {request.target_share:g} % of only {length} tiles: an epoch shows none "
            f"{'without' if due else 'with'} a target class. Set EPOCH_TILES to a larger number."
        )
    return GroupSampler([with_target, others], lambda _: (due, length - due), request.seed)


def _check_share(share: float, with_target: int, others: int, names: str) -> None:
    if share > 0 and not with_target:
        raise InputError(
            f"No training tile shows a target class ({names}), but TARGET_SHARE is {share:g} %.",
            "Set TARGET_SHARE to 0, name other TARGET_CLASSES, or make tiles where there are some.",
        )
    if share < 100 and not others:
        raise InputError(
            f"All training tiles show a target class ({names}), but TARGET_SHARE is {share:g} %.",
            f"Set TARGET_SHARE to 100, name fewer TARGET_CLASSES, or set SAMPLING to '{BALANCED}'.",
        )


def _balanced_sampler(
    request: TrainSegmentation, dataset: Dataset, shows: NDArray[np.bool_], length: int, report: Report
) -> GroupSampler:
    """Draw as many tiles for each class that any tile shows; the arguments are those of `_target_sampler`."""
    names, occurs = dataset.classes.names, np.asarray(shows.any(axis=0))
    if not occurs.all():
        report.warn(
            f"No training tile shows {_listed(dataset, ~occurs)}: SAMPLING '{BALANCED}' draws none for it, and the "
            "model will not find it."
        )
    present = np.flatnonzero(occurs)
    groups = [np.flatnonzero(shows[:, index]) for index in present]
    each = ", ".join(f"'{names[index]}' ({len(tiles)})" for index, tiles in zip(present, groups, strict=True))
    report.note(f"An epoch shows {length} tiles, in equal parts of those with {each}.")
    return GroupSampler(groups, equal_quotas(len(groups), length), request.seed)


def _listed(dataset: Dataset, chosen: NDArray[np.bool_]) -> str:
    return quote_names(name for name, is_it in zip(dataset.classes.names, chosen, strict=True) if is_it)
