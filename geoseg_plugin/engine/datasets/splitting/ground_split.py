"""Drawing a split of tiles by blocks of ground."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ..dataset import TRAIN, UNUSED, Split
from ..ground import Ground
from ..tile_table import TileTable
from .blocks import lay_blocks
from .draws import Judge, draw_sets, find_near_groups, name_sets, shares_of
from .separation import leave_out

_MANY_UNUSED = 0.3


def split_on_ground(
    tiles: TileTable,
    ground: Ground,
    *,
    shares: Mapping[Split, float],
    tile_size: int,
    block_size: int = 0,
    buffer: float = 0.0,
    stratify: bool = True,
    seed: int,
    report: Report,
) -> NDArray[np.object_]:
    """Draw which tiles are for which set, as whole blocks of ground that scenes of one place share.

    Args:
        tiles: The tiles (N).
        ground: The same tiles, in pixels.
        shares: Share of tiles wanted for validation and test, in percent, each 0 or more.
        tile_size: Side of a tile in pixels.
        block_size: Side of the blocks in pixels; 0 chooses.
        buffer: Least distance between tiles of different sets, in pixels.
        stratify: Whether draws are judged by how alike the sets are in their class shares.
        seed: Another number draws another split.
        report: Hears how many blocks there are and how many tiles are left unused.

    Returns:
        (N,) the split of every tile: train, validation, test, or unused where it shares ground with another set.

    Raises:
        InputError: No draw leaves tiles in all sets wanted.
    """
    asked = _asked(shares)
    if not asked:
        return np.full(len(tiles), TRAIN, dtype=object)
    blocks = lay_blocks(ground, tiles.scenes, tile_size=tile_size, size=block_size, share=min(asked.values()))
    report.note(f"Blocks of about {blocks.size} pixels ({blocks.count} in all) are split.")
    return split_groups(
        tiles, ground, blocks.of_tile, shares=shares, buffer=buffer, stratify=stratify, seed=seed, report=report
    )  # fmt: skip


def split_groups(
    tiles: TileTable,
    ground: Ground,
    groups: NDArray[np.int64],
    *,
    shares: Mapping[Split, float],
    buffer: float,
    stratify: bool,
    seed: int,
    report: Report,
) -> NDArray[np.object_]:
    """Draw which groups of tiles are for which set.

    Args:
        tiles: The tiles (N).
        ground: The same tiles, in pixels.
        groups: The group of every tile (N,), numbered from 0.
        shares: Share of tiles wanted for validation and test, in percent, each 0 or more.
        buffer: Least distance between tiles of different sets, in pixels.
        stratify: Whether draws are judged by how alike the sets are in their class shares.
        seed: Another number draws another split.
        report: Hears how many tiles are left unused.

    Raises:
        InputError: No draw leaves tiles in all sets wanted.
    """
    asked = _asked(shares)
    counts = tiles.counts.astype(np.float64) if stratify else np.zeros((len(tiles), 0))
    judge = Judge(groups, find_near_groups(ground, groups, buffer), counts, shares_of(asked))
    sets = _draw(judge, ground, seed, report)
    if sets is None:
        raise _cannot_be_split(len(tiles), asked, buffer)
    wanted = name_sets(sets[groups])
    splits = leave_out(wanted, ground, buffer)
    tell_unused(splits, buffer, report, before=wanted)
    return splits


def tell_unused(splits: NDArray[np.object_], buffer: float, report: Report, *, before: NDArray[np.object_]) -> None:
    """Say how many tiles (N,) came to be unused, and why."""
    count, chosen = int(((splits == UNUSED) & (before != UNUSED)).sum()), int((before == UNUSED).sum())
    if count:
        reason = f"lie closer than {buffer:g} pixels to" if buffer > 0 else "share ground with"
        said = f"{count} of {len(splits)} tiles {reason} tiles of another set and are set unused"
        if count > _MANY_UNUSED * len(splits):
            report.warn(f"{said}: whole blocks or scenes, a smaller BUFFER and tiles that overlap less save many.")
        else:
            report.note(f"{said}.")
    if chosen:
        report.note(f"{chosen} tiles belong to no set, or lie only partly in the ground of one, and are set unused.")


def _asked(shares: Mapping[Split, float]) -> dict[Split, float]:
    return {name: share for name, share in shares.items() if share > 0}


def _draw(judge: Judge, ground: Ground, seed: int, report: Report) -> NDArray[np.int64] | None:
    """Return the sets of the blocks (B,) in the best of many draws, the first of equals; None where none will do."""
    bounds = ground.bounds
    best, least = None, math.inf
    for sets in draw_sets(judge.groups, (bounds[:, :2] + bounds[:, 2:]) / 2, judge.shares, seed):
        stop_if_cancelled(report)
        fault = judge.fault(sets)
        if fault is not None and fault < least:
            best, least = sets, fault
    return best


def _cannot_be_split(count: int, asked: Mapping[Split, float], buffer: float) -> InputError:
    names = " and ".join(["training", *asked])
    lower = " and ".join(name.upper() for name in asked)
    return InputError(
        f"The {count} tiles cannot be split into {names} without sharing ground"
        + (f" or coming closer than {buffer:g} pixels." if buffer else "."),
        "Give larger or more images, a smaller TILE_SIZE, OVERLAP, BLOCK_SIZE"
        + (", BUFFER" if buffer else "")
        + f", lower {lower}, or set it to 0.",
    )
