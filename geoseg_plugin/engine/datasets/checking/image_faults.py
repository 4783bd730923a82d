"""What can be wrong with the pixels and bands of single images: one function per fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ...imagery.paths import name_some
from .facts import ImageFacts
from .finding import ERROR, NOTE, WARNING, Finding, figure, tiles_in_words
from .survey import Survey

_SOME_NODATA, _MUCH_NODATA = 0.05, 0.5


def find_unreadable(survey: Survey) -> Iterator[Finding]:
    """Find files that cannot be read."""
    broken = [tile for tile in survey.tiles if tile.problem]
    if broken:
        yield Finding(
            "unreadable", ERROR, f"{len(broken)} of {len(survey.tiles)} tiles cannot be read. {broken[0].problem}",
            "Copy or make these files again.", tuple(tile.pair.id for tile in broken),
        )  # fmt: skip


def find_alone(survey: Survey) -> Iterator[Finding]:
    """Find images without a label of the same name, and labels without an image."""
    alone = survey.pairs.alone
    if alone:
        names = name_some([f"{path.parent.name}/{path.name}" for path in alone])
        yield Finding(
            "no_partner", WARNING, f"No partner of the same name: {len(alone)} file{'s'[: len(alone) > 1]} ({names}).",
            "Give image and label the same name; these were not looked at.",
        )  # fmt: skip


def find_band_counts(survey: Survey) -> Iterator[Finding]:
    """Find tiles with another number of bands than dataset.json states or most tiles have."""
    odd = {pair.id: len(one.mean) for pair, one in survey.images if len(one.mean) != survey.band_count}
    if odd:
        counts = ", ".join(str(count) for count in sorted(set(odd.values())))
        yield Finding(
            "band_counts_differ", ERROR,
            f"{tiles_in_words(tuple(odd))} with {counts} bands, where {survey.band_count} are expected.",
            "All tiles need the same bands: make these again from images that have them.", tuple(odd),
        )  # fmt: skip


def find_dtypes(survey: Survey) -> Iterator[Finding]:
    """Find tiles with another data type than dataset.json states or most tiles have."""
    dtypes = Counter(one.dtype for _, one in survey.images)
    if not dtypes:
        return
    expected = survey.pairs.dtype or dtypes.most_common(1)[0][0]
    odd = tuple(pair.id for pair, one in survey.images if one.dtype != expected)
    if odd:
        others = ", ".join(name for name in dtypes if name != expected)
        yield Finding(
            "dtypes_differ", WARNING, f"{tiles_in_words(odd)} with pixels of {others}, where {expected} is expected.",
            "Images of different types mostly have different scales: bring them to one with 'Rescale image'.", odd,
        )  # fmt: skip


def find_constant_bands(survey: Survey) -> Iterator[Finding]:
    """Find bands that have one value in all tiles."""
    if not survey.alike:
        return
    low = np.min([one.minimum for _, one in survey.alike], axis=0)
    high = np.max([one.maximum for _, one in survey.alike], axis=0)
    constant = [f"'{survey.band_names[band]}' ({figure(low[band])})" for band in np.flatnonzero(low == high)]
    if constant:
        yield Finding(
            "bands_constant", ERROR if len(constant) == len(low) else WARNING,
            f"All pixels have the same value in {', '.join(constant)}.",
            "A network learns nothing there: leave the band out with BANDS of 'Make training tiles', or look for the "
            "step that lost it.",
        )  # fmt: skip


def find_constant_tiles(survey: Survey) -> Iterator[Finding]:
    """Find tiles with a band of one value, where other tiles have several."""
    varied = np.zeros(survey.band_count, dtype=np.bool_)
    for _, one in survey.alike:
        varied |= one.minimum < one.maximum
    tiles = tuple(pair.id for pair, one in survey.alike if (varied & (one.minimum == one.maximum)).any())
    if tiles:
        yield Finding(
            "tiles_constant", NOTE, f"A band has one value only in {tiles_in_words(tiles)}.",
            "Look whether the image ends there, or the sensor was saturated; such tiles can be set unused.", tiles,
        )  # fmt: skip


def find_not_finite(survey: Survey) -> Iterator[Finding]:
    """Find pixels that are NaN or infinite and not marked as without data."""
    tiles = tuple(pair.id for pair, one in survey.images if one.not_finite)
    if tiles:
        count = sum(one.not_finite for _, one in survey.images)
        yield Finding(
            "not_finite", WARNING,
            f"{count} pixels of {tiles_in_words(tiles)} are NaN or infinite and not marked as without data.",
            "GeoSeg leaves such pixels out, other programs may not: state NaN as their nodata value, or look for the "
            "division by zero that made them.", tiles,
        )  # fmt: skip


def find_nodata(survey: Survey) -> Iterator[Finding]:
    """Find tiles of which a part that matters has no data, and tiles without any."""
    missing = {pair.id: 1 - one.valid / _pixels(one) for pair, one in survey.images if one.valid < _pixels(one)}
    empty = tuple(name for name, share in missing.items() if share == 1)
    if empty:
        yield Finding(
            "tiles_empty", WARNING, f"The image has no data at all in {tiles_in_words(empty)}.",
            "Leave such tiles out, or check the nodata value of the images.", empty,
        )  # fmt: skip
    partly = sorted((name for name in missing if _SOME_NODATA < missing[name] < 1), key=lambda name: -missing[name])
    if not partly:
        return
    total = sum(missing.values()) / len(survey.images)
    yield Finding(
        "nodata", WARNING if total > _MUCH_NODATA else NOTE,
        f"Pixels have no data in {tiles_in_words(partly)}: up to {100 * missing[partly[0]]:.3g} % of a tile, and "
        f"{100 * total:.3g} % of all pixels.",
        "They neither train nor count. If it is more than you expect, check the nodata value of the images.",
        tuple(partly),
    )  # fmt: skip


def find_truncated_images(survey: Survey) -> Iterator[Finding]:
    """Find images, or scenes, of whole numbers that are 0 or 1: what is left of pixels divided by 255 or 65535."""
    highest: dict[str | None, float] = {}
    for pair, one in survey.alike:
        is_whole = np.dtype(one.dtype).kind != "f" and bool((one.minimum >= 0).all())
        high = float(one.maximum.max()) if is_whole else np.inf
        highest[pair.scene] = max(high, highest.get(pair.scene, 0))
    odd = {scene for scene, high in highest.items() if high <= 1}
    if not odd or max(highest.values()) < 1:
        return
    tiles = () if len(odd) == len(highest) else tuple(pair.id for pair, _ in survey.alike if pair.scene in odd)
    yield Finding(
        "images_truncated", WARNING,
        f"Images are whole numbers, and hold 0 and 1 only{f', in {tiles_in_words(tiles)}' if tiles else ''}.",
        "If they were divided by 255 or 65535, the fractions are lost: make them again without that. GeoSeg scales "
        "images by itself.", tiles,
    )  # fmt: skip


def find_sizes(survey: Survey) -> Iterator[Finding]:
    """Find tiles of another size than TILE_SIZE; larger ones cannot train, smaller ones are filled up."""
    side = survey.pairs.tile_size
    if side is None:
        return
    sizes = {pair.id: max(one.grid.height, one.grid.width) for pair, one in survey.images}
    large = tuple(name for name, size in sizes.items() if size > side)
    if large:
        yield Finding(
            "tiles_large", ERROR, f"Larger than {side} x {side} pixels: {tiles_in_words(large)}.",
            "Make the dataset again, or cut these tiles.", large,
        )  # fmt: skip
    small = tuple(pair.id for pair, one in survey.images if sizes[pair.id] <= side and _pixels(one) < side**2)
    if small:
        yield Finding(
            "tiles_small", NOTE, f"Smaller than {side} x {side} pixels: {tiles_in_words(small)}.",
            "In training they are filled up with pixels that do not count. EDGES 'shift inward' makes all as large.",
            small,
        )  # fmt: skip


def _pixels(one: ImageFacts) -> int:
    return one.grid.height * one.grid.width
