"""Exact percentiles of more values than fit into memory, by reading them several times and counting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIGIT_BITS = 16


@dataclass
class _Rank:
    """The value wanted at a place in the order of a group.

    Attributes:
        group: Number of the group.
        place: Its place, from 0, among the values whose keys begin with `prefix`.
        prefix: The bits known of its key.
    """

    group: int
    place: int
    prefix: int = 0


def passes_for(dtype: str) -> int:
    """Return how often values of a dtype must be read: once for each 16 bits."""
    return math.ceil(8 * np.dtype(dtype).itemsize / _DIGIT_BITS)


def find_percentiles(
    read: Callable[[], Iterable[tuple[int, NDArray[Any]]]],
    dtype: str,
    groups: int,
    percents: Sequence[float],
    *,
    counted: Sequence[NDArray[np.int64]] | None = None,
) -> NDArray[np.float64]:
    """Return percentiles as `numpy.percentile` (linear) gives them, for each group of values.

    Values become unsigned keys of the same order. The first pass counts their first 16 bits, which tells with which 16
    bits the keys of the wanted ranks begin; each further pass counts the next 16 bits of the keys that begin so. This
    is exact for every dtype, and takes half a megabyte for each group and rank.

    Source: Knuth, "The Art of Computer Programming" vol. 3, 5.2.5 (radix sorting), here for selected ranks alone.

    Args:
        read: Reads all values: (number of the group, values (N,)) in parts, finite, the same each time.
        dtype: The dtype of the values.
        groups: How many groups there are.
        percents: The percentiles wanted, 0 to 100.
        counted: For each group what `count_first_digits` says of all its values, which saves the first pass.

    Returns:
        (groups, percents), NaN for groups without values.
    """
    bits = 8 * np.dtype(dtype).itemsize
    step = min(bits, _DIGIT_BITS)
    if counted is None:
        counts = _count_digits(read, {(group, 0) for group in range(groups)}, bits - step, step)
    else:
        counts = {(group, 0): one for group, one in enumerate(counted)}
    totals = [int(counts[group, 0].sum()) for group in range(groups)]
    ranks = {
        (group, place): _Rank(group, place)
        for group, total in enumerate(totals)
        for percent in percents
        for place in _neighbours(total, percent)
    }
    _descend(ranks.values(), counts, step)
    for shift in range(bits - 2 * step, -1, -step):
        counts = _count_digits(read, {(rank.group, rank.prefix) for rank in ranks.values()}, shift, step)
        _descend(ranks.values(), counts, step)
    values = {key: _value_of(rank.prefix, dtype) for key, rank in ranks.items()}
    return np.array([[_find(values, group, total, p) for p in percents] for group, total in enumerate(totals)])


def _find(values: Mapping[tuple[int, int], float], group: int, total: int, percent: float) -> float:
    """Return a percentile, given the values of its neighbours in a group of so many values."""
    return _between([values[group, place] for place in _neighbours(total, percent)], (total - 1) * (percent / 100))


def count_first_digits(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many values (N,), finite, have each of the first 16 bits of a key, of 8-bit values each key."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    own = values.view(f"u{values.dtype.itemsize}")
    first = own if bits <= _DIGIT_BITS else (own >> (bits - _DIGIT_BITS)).astype(np.uint16)
    counts = np.bincount(first, minlength=2 ** min(bits, _DIGIT_BITS))
    if kind == "u":
        return counts
    # Counted by their own bits, which is faster; of these the negative ones come last, floats in reverse.
    positive, negative = np.split(counts, 2)
    return np.concatenate([negative[::-1] if kind == "f" else negative, positive])


def key_values(dtype: str) -> NDArray[np.float64]:
    """Return the values that the places of `count_first_digits` stand for, of whole numbers of at most 16 bits."""
    bits = 8 * np.dtype(dtype).itemsize
    return np.arange(2**bits) - (2 ** (bits - 1) if np.dtype(dtype).kind == "i" else 0.0)


def _neighbours(total: int, percent: float) -> Iterator[int]:
    """Return the places below and above a percentile; none where there are no values."""
    if total > 0:
        place = math.floor((total - 1) * (percent / 100))
        yield from (place, min(place + 1, total - 1))


def _between(ends: Sequence[float], place: float) -> float:
    """Return the value at a place between two neighbours, rounded as numpy does it, from the nearer of both."""
    if not ends:
        return math.nan
    low, high = ends
    part = place % 1
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part


def _count_digits(
    read: Callable[[], Iterable[tuple[int, NDArray[Any]]]], wanted: set[tuple[int, int]], shift: int, step: int
) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Count `step` bits of the keys, at `shift` from their end, of each (group, prefix) that is wanted."""
    counts = {one: np.zeros(2**step, np.int64) for one in wanted}
    for group, values in read():
        keys = order_keys(values)
        prefixes = [prefix for number, prefix in wanted if number == group]
        if shift + step < 8 * keys.itemsize:
            keys = keys[np.isin(keys >> (shift + step), np.array(prefixes, dtype=keys.dtype))]
        digits = ((keys >> shift) & (2**step - 1)).astype(np.uint16)
        for prefix in prefixes:
            chosen = digits if len(prefixes) == 1 else digits[keys >> (shift + step) == prefix]
            counts[group, prefix] += np.bincount(chosen, minlength=2**step)
    return counts


def _descend(ranks: Iterable[_Rank], counts: dict[tuple[int, int], NDArray[np.int64]], step: int) -> None:
    """Add the next digit to the prefix of every rank."""
    ends = {one: np.cumsum(counted) for one, counted in counts.items()}
    for rank in ranks:
        end = ends[rank.group, rank.prefix]
        digit = int(np.searchsorted(end, rank.place, side="right"))
        rank.place -= int(end[digit - 1]) if digit else 0
        rank.prefix = (rank.prefix << step) + digit


def order_keys(values: NDArray[Any]) -> NDArray[Any]:
    """Return unsigned integers of the same width that are in the same order as the values, which are not NaN."""
    kind, width = values.dtype.kind, values.dtype.itemsize
    bits = values.view(f"u{width}")
    if kind == "u":
        return bits
    sign = bits.dtype.type(1 << (8 * width - 1))
    if kind == "i":
        return np.asarray(bits ^ sign)
    negative = (bits.view(f"i{width}") >> (8 * width - 1)).view(bits.dtype)  # all bits of negative numbers, else none
    return np.asarray(bits ^ (negative | sign))


def _value_of(key: int, dtype: str) -> float:
    """Return the value that has an order key."""
    kind, width = np.dtype(dtype).kind, np.dtype(dtype).itemsize
    sign = 1 << (8 * width - 1)
    if kind == "i" or (kind == "f" and key & sign):
        key ^= sign
    elif kind == "f":
        key ^= 2 * sign - 1
    return float(np.array(key, f"u{width}").view(dtype))
