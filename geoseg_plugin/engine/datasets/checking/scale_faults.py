"""Images that do not fit each other: values of another scale, and bands in another order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ...imagery.paths import name_some
from .finding import ERROR, WARNING, Finding, figure, tiles_in_words
from .survey import Survey

_FACTOR = 8.0
_FACTOR_OF_ONE_BAND = 30.0
_SMALLEST_SHARE = 0.1
_FEWEST_TILES = 3
_FEWEST_SCENES = 5
_FEWEST_BANDS = 3
_SMALLEST_SPREAD = 0.05
_FAR, _NEAR = 4.0, 1.5
_NO_NAME = re.compile("band [0-9]+|red|green|blue")


@dataclass(frozen=True)
class _Group:
    """A scene or, where scenes are not known, a tile.

    Attributes:
        name: Its name.
        tiles: Ids of its tiles.
        low: Smallest 2nd percentile of its tiles (C,).
        high: Largest 98th percentile (C,).
        middle: Median of their means (C,).
        spread: Median of their standard deviations (C,).
    """

    name: str
    tiles: tuple[str, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def size(self) -> NDArray[np.float64]:
        """How far its values are from 0, apart from a few (C,)."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def find_scales(survey: Survey) -> Iterator[Finding]:
    """Find scenes whose values have another scale than those of others, such as 0 to 255 and 0 to 10000.

    Scenes are sorted by the size of their values (the 98th percentile of the absolute values, of the brightest tile)
    and parted where every band of those above is at least eight times that of those below. Every band, because a sea
    and a forest differ much in near infrared but three times at most in blue, whereas another scale shows in all.
    Eight, because scenes of one sensor differ by three or four with season, haze and snow, and what people mix up
    differs by more: 16 (8 and 12 bits), 39 (8 bits and reflectance of 10000), 255, 10000, 65535. A single band may
    differ more by nature (radar power over a lake and a town), so it must be thirty times. Decibels are no trap: they
    lie between -35 and 5 everywhere. Without scenes single tiles are compared; those below or above must be a tenth of
    all then, so that a few dark ones are no scale of their own.
    """
    groups = [group for group in _groups(survey) if (group.size > 0).all()]
    parts = _part(groups)
    by_tile = len(groups) > 0 and len(groups) == sum(len(group.tiles) for group in groups)
    fewest = max(_FEWEST_TILES, _SMALLEST_SHARE * len(groups)) if by_tile else 1
    if len(parts) < 2 or min(map(len, parts)) < fewest:
        return
    most = max(parts, key=len)
    odd = [group for part in parts if part is not most for group in part]
    ranges = "; ".join(f"{_range(part)} in {name_some([group.name for group in part])}" for part in parts)
    yield Finding(
        "scales_differ", WARNING, f"Values have other scales in different {'tiles' if by_tile else 'scenes'}: {ranges}."
        f"{_explain(parts)}", "Bring all images to one scale, the original one if you can: 'Rescale image' does that, "
        "or make the tiles again from images that were never divided.", tuple(name for group in odd
        for name in group.tiles),
    )  # fmt: skip


def find_other_scale_than_stated(survey: Survey) -> Iterator[Finding]:
    """Find tiles that as a whole have another scale than dataset.json states: their pixels were changed afterwards.

    As `find_scales` does, this asks that every band differs many times; by the root mean square, which single bright
    pixels and another choice of tiles hardly move.
    """
    stated = np.array([np.hypot(one.mean, one.std) for one in survey.pairs.statistics])
    if len(stated) != survey.band_count or not survey.alike or not (stated > 0).all():
        return
    weights = np.array([one.valid for _, one in survey.alike], dtype=np.float64)
    squares = np.array([one.mean**2 + one.std**2 for _, one in survey.alike])
    found = np.sqrt(np.average(squares, axis=0, weights=weights))
    factor = _FACTOR if len(stated) > 1 else _FACTOR_OF_ONE_BAND
    if (found * factor <= stated).all() or (found >= factor * stated).all():
        means = np.average([one.mean for _, one in survey.alike], axis=0, weights=weights)
        is_mean, was_mean = (figure(float(f"{value:.3g}")) for value in (means[0], survey.pairs.statistics[0].mean))
        yield Finding(
            "scale_not_as_stated", ERROR,
            f"The values are not those that dataset.json states: a mean of {is_mean} instead of {was_mean} in "
            f"'{survey.band_names[0]}', and alike in every band.",
            "Tiles were changed after they were made, such as divided by 255. Make the dataset again from the images: "
            "GeoSeg scales them by itself.",
        )  # fmt: skip


def find_band_names(survey: Survey) -> Iterator[Finding]:
    """Find tiles whose files name the bands in another order, or name other bands, than most."""
    named = [(pair.id, one.names) for pair, one in survey.alike if all(one.names)]
    if not named:
        return
    common = Counter(names for _, names in named).most_common(1)[0][0]
    for permuted in (True, False):
        odd = {name: names for name, names in named if names != common and _is_permuted(names, common) == permuted}
        if not odd:
            continue
        what = "in another order" if permuted else "otherwise"
        first = ", ".join(next(iter(odd.values())))
        yield Finding(
            "bands_permuted" if permuted else "bands_named_otherwise", ERROR if permuted else WARNING,
            f"Bands are named {what} than in most tiles: {first} instead of {', '.join(common)}, in "
            f"{tiles_in_words(tuple(odd))}.",
            "Make these again, with BANDS of 'Make training tiles' in the order of the others.", tuple(odd),
        )  # fmt: skip


def find_band_order(survey: Survey) -> Iterator[Finding]:
    """Find scenes whose bands are in another order, by their values; only where no names tell, and it is plain.

    The tiles of one scene come from one file, with its bands in one order, however much what they show differs.

    The means and spreads of the bands (as logarithms, relative to the whole scene) are compared with their medians over
    all scenes. A scene stands out when it lies far from them as it is, and as near as most do when its
    bands change places. Natural scenes that lie far off do not come near by that, since bands swap their means but not
    their spreads.
    """
    scenes = {pair.scene for pair, _ in survey.alike}
    if len(scenes) == 1 and None not in scenes:
        return
    groups = [group for group in _groups(survey) if (group.middle > 0).all() and (group.spread > 0).all()]
    if len(groups) < _FEWEST_SCENES or survey.band_count < _FEWEST_BANDS or _are_named(survey):
        return
    profiles = np.array([_profile(group) for group in groups])
    usual = np.median(profiles, axis=0)
    noise = max(_SMALLEST_SPREAD, float(np.median(np.abs(profiles - usual).max(axis=(1, 2)))))
    orders: list[tuple[_Group, list[int]]] = []
    for group, profile in zip(groups, profiles, strict=True):
        distances = np.abs(profile[:, None] - usual[None]).max(axis=2)
        rows, order = linear_sum_assignment(distances)
        if np.diag(distances).max() > _FAR * noise and distances[rows, order].max() < _NEAR * noise:
            orders.append((group, [int(band) + 1 for band in order]))
    if orders:
        first, order = orders[0]
        names = name_some([group.name for group, _ in orders])
        yield Finding(
            "band_order", WARNING,
            f"The bands of {names} seem to be in another order: their values fit those of the other scenes when the "
            f"bands of {first.name} are taken for bands {', '.join(map(str, order))}.",
            "Look at these scenes, and make the tiles again, with BANDS of 'Make training tiles' in the right order.",
            tuple(name for group, _ in orders for name in group.tiles),
        )  # fmt: skip


def _groups(survey: Survey) -> list[_Group]:
    places: dict[str, list[int]] = {}
    by_scene = len({pair.scene for pair, _ in survey.alike}) > 1
    for number, (pair, _) in enumerate(survey.alike):
        places.setdefault(str(pair.scene) if by_scene else pair.id, []).append(number)
    groups = []
    for name, members in places.items():
        images = [survey.alike[number][1] for number in members]
        groups.append(
            _Group(
                name,
                tuple(survey.alike[number][0].id for number in members),
                np.min([one.low for one in images], axis=0),
                np.max([one.high for one in images], axis=0),
                np.median([one.mean for one in images], axis=0),
                np.median([one.std for one in images], axis=0),
            )
        )
    return groups


def _part(groups: list[_Group]) -> list[list[_Group]]:
    """Sort groups by the size of their values and part them where all bands leap."""
    if not groups:
        return []
    ordered = sorted(groups, key=lambda group: float(np.log(group.size).mean()))
    sizes = np.array([group.size for group in ordered])
    factor = _FACTOR if sizes.shape[1] > 1 else _FACTOR_OF_ONE_BAND
    parts = [ordered[:1]]
    below = np.maximum.accumulate(sizes, axis=0)
    above = np.minimum.accumulate(sizes[::-1], axis=0)[::-1]
    for number, group in enumerate(ordered[1:], start=1):
        if (above[number] >= factor * below[number - 1]).all():
            parts.append([])
        parts[-1].append(group)
    return parts


def _range(part: list[_Group]) -> str:
    low, high = min(group.low.min() for group in part), max(group.high.max() for group in part)
    return f"{figure(float(f'{low:.3g}'))} to {figure(float(f'{high:.3g}'))}"


def _explain(parts: list[list[_Group]]) -> str:
    """Say what two scales may come from; "" where they are none that are known."""
    if all(group.high.max() < 0 for group in parts[-1]) and all(group.low.min() >= 0 for group in parts[0]):
        return " Some seem to be in decibels, others not."
    small, large = (max(group.high.max() for group in part) for part in (parts[0], parts[-1]))
    if small <= 1 and large <= 255:
        return " Those to 1 seem to be divided by 255."
    if small <= 1:
        return " Those to 1 seem to be divided, by 65535 or by 10000."
    if small <= 255 < large:
        return " Those to 255 seem to be made for looking at (8 bits)."
    return ""


def _is_permuted(names: tuple[str, ...], common: tuple[str, ...]) -> bool:
    return sorted(names) == sorted(common)


def _are_named(survey: Survey) -> bool:
    """Tell whether names say what bands are; numbers do not, nor colours, which are mostly said of any three bands."""
    return all(name and not _NO_NAME.fullmatch(name) for _, one in survey.alike for name in one.names)


def _profile(group: _Group) -> NDArray[np.float64]:
    """Return logarithms of mean and spread (C, 2) of the bands relative to their means over the bands."""
    logs = np.log(np.column_stack([group.middle, group.spread]))
    return np.asarray(logs - logs.mean(axis=0))
