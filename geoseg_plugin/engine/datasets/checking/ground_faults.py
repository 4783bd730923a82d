"""What can be wrong with where tiles lie: grids, lost CRSs, pixel sizes, and ground or pixels in two sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.crs import CRS

from ....contract.events import Report, stop_if_cancelled
from ...grid import Grid
from ...imagery.paths import name_some
from ..dataset import TEST, TRAIN, VALIDATION
from ..footprints import footprints, outlines_of
from ..ground import NO_PARTNER, NO_SET, Ground, find_partners, is_placed, number_planes
from .finding import ERROR, NOTE, WARNING, Finding, figure, tiles_in_words
from .pairs import Pair
from .survey import Survey

_LARGEST_RATIO = 1.25
_OUTLINED_AT_ONCE = 5000
_IN_USE = (TRAIN, VALIDATION, TEST)


def find_grids(survey: Survey) -> Iterator[Finding]:
    """Find labels on another grid than their image; what lost its georeference is told by `find_lost_crs`."""
    odd = [
        (tile.pair.id, tile.image.grid, tile.label.grid)
        for tile in survey.tiles
        if tile.image is not None and tile.label is not None and _differ(tile.image.grid, tile.label.grid)
    ]
    if odd:
        name, image, label = odd[0]
        yield Finding(
            "grids_differ", ERROR,
            f"Image and label lie on different grids in {tiles_in_words([one for one, _, _ in odd])}. {name}: the "
            f"image has {_describe(image, label)}, the label {_describe(label, image)}.",
            "Make the labels again on the grid of their images, with 'Rasterize labels'.",
            tuple(one for one, _, _ in odd),
        )  # fmt: skip


def find_lost_crs(survey: Survey) -> Iterator[Finding]:
    """Find images without CRS where others, their labels or dataset.json have one, and labels without."""
    lost = tuple(pair.id for pair, one in survey.images if one.grid.crs is None)
    grids = [*(one.grid for _, one in survey.images), *(one.grid for _, one in survey.labels)]
    known = [grid.crs for grid in grids if grid.crs is not None]
    stated = known[0].to_string() if known else survey.pairs.crs
    if lost and stated:
        yield Finding(
            "crs_lost", WARNING, f"No CRS in {len(lost)} of {len(survey.images)} images ({name_some(lost)}), where "
            f"{stated[:60]} is expected.", "Copy the files that lie beside them (.tif.aux.xml, .tfw, .prj) as well, "
            "or state the CRS: gdal_edit.py -a_srs EPSG:CODE FILE. Until then nobody can tell whether tiles share "
            "ground.", lost,
        )  # fmt: skip
    with_crs = {pair.id for pair, one in survey.images if one.grid.crs is not None}
    bare = tuple(pair.id for pair, one in survey.labels if one.grid.crs is None and pair.id in with_crs)
    if bare:
        yield Finding(
            "label_crs_lost", NOTE, f"The labels of {tiles_in_words(bare)} have no CRS, their images have.",
            "They are taken to lie on their images, pixel by pixel: make sure that they do.", bare,
        )  # fmt: skip


def find_pixel_sizes(survey: Survey) -> Iterator[Finding]:
    """Find tiles whose pixels are a quarter larger on the ground than those of others.

    Networks bear less than that well, and pixels in degrees change that much with latitude within a country.
    """
    sizes = _pixel_sizes([one.grid for _, one in survey.images])
    known = np.isfinite(sizes) & (sizes > 0)
    if not known.any():
        return
    usual = float(np.median(sizes[known]))
    ratio = np.where(known, np.maximum(sizes / usual, usual / np.where(known, sizes, 1)), 1)
    odd = tuple(survey.images[place][0].id for place in np.flatnonzero(ratio > _LARGEST_RATIO))
    if odd:
        yield Finding(
            "pixel_sizes_differ", WARNING, f"Pixels measure {figure(float(f'{sizes[known].min():.3g}'))} to "
            f"{figure(float(f'{sizes[known].max():.3g}'))}{' m' if _has_crs(survey) else ''}, mostly "
            f"{figure(float(f'{usual:.3g}'))}; otherwise in {tiles_in_words(odd)}.",
            "Make all tiles with one PIXEL_SIZE: things of one size should look alike.", odd,
        )  # fmt: skip


def find_copies(survey: Survey) -> Iterator[Finding]:
    """Find the same pixels under two names; an error where they are in two sets."""
    used = [(one.digest, pair) for pair, one in survey.images if not one.is_constant and pair.split in (*_IN_USE, None)]
    used.sort(key=lambda pair: pair[0])
    within, across = list[tuple[Pair, ...]](), list[tuple[Pair, ...]]()
    for _, members in groupby(used, key=lambda pair: pair[0]):
        same = tuple(pair for _, pair in members)
        if len(same) > 1:
            (across if len({pair.split for pair in same}) > 1 else within).append(same)
    for found, severity in ((across, ERROR), (within, WARNING)):
        if not found:
            continue
        found.sort(key=lambda same: same[0].id)
        in_two = severity == ERROR
        examples = "; ".join(" = ".join(_with_split(pair) for pair in same[:3]) for same in found[:2])
        yield Finding(
            "copies_across_sets" if in_two else "copies", severity,
            f"The same pixels have several names{' and are in different sets' if in_two else ''}"
            f"{f', {len(found)} times' if len(found) > 1 else ''}: {examples}.",
            "Keep one of each and set 'split' of the others in tiles.gpkg to unused; figures measured on what was "
            "learned are too good." if in_two else "Leave out the copies: they count twice.",
            tuple(pair.id for same in found for pair in same),
        )  # fmt: skip


def find_shared_ground(survey: Survey, report: Report) -> Iterator[Finding]:
    """Find tiles of different sets that show the same ground.

    Raises:
        Cancelled: The user has asked to stop.
    """
    placed = [(pair, one.grid) for pair, one in survey.images if not _is_lost(one.grid)]
    placed = [(pair, grid) for pair, grid in placed if pair.split in _IN_USE]
    if not placed:
        return
    crs = next((grid.crs for _, grid in placed if grid.crs is not None), None)
    grids = [grid for _, grid in placed]
    scenes = np.array([pair.scene for pair, _ in placed], dtype=object)
    # The corner of a tile that was cut from a scene without georeference is its offset there, in whole pixels.
    known = [is_placed(grid, (round(grid.transform.c), round(grid.transform.f))) for grid in grids]
    sizes = np.array([(grid.height, grid.width) for grid in grids])
    ground = Ground.of(outlines_of(outline(grids, crs, report)), number_planes(scenes, np.array(known)), sizes)
    yield from find_shared(ground.insets, [pair for pair, _ in placed], report)


def outline(grids: Sequence[Grid], crs: CRS | None, report: Report) -> NDArray[Any]:
    """Return the footprints (N,) of grids in `crs`, some at a time so that it can be cancelled.

    Raises:
        Cancelled: The user has asked to stop.
    """
    polygons = np.full(len(grids), None, dtype=object)
    for start in range(0, len(grids), _OUTLINED_AT_ONCE):
        stop_if_cancelled(report)
        part = slice(start, start + _OUTLINED_AT_ONCE)
        polygons[part] = footprints(grids[part], crs)
    return polygons


def find_shared(insets: NDArray[Any], tiles: Sequence[Pair], report: Report) -> Iterator[Finding]:
    """Find tiles (N) of different sets whose footprints (N,), as `Ground.insets`, meet.

    Raises:
        Cancelled: The user has asked to stop.
    """
    sets = np.array([_IN_USE.index(tile.split) if tile.split in _IN_USE else NO_SET for tile in tiles], dtype=np.int64)
    partners = find_partners(insets, sets, report)
    found = np.flatnonzero(partners != NO_PARTNER)
    if not len(found):
        return
    one, other = int(found[0]), int(partners[found[0]])
    touched = tuple(tiles[place].id for place in found.tolist())
    yield Finding(
        "ground_shared", ERROR, f"{len(touched)} tiles show ground that is in another set as well, such as "
        f"{_with_split(tiles[one])} and {_with_split(tiles[other])}.",
        "Split anew with 'Split dataset', which keeps sets apart; figures measured on what was learned are too good.",
        touched,
    )  # fmt: skip


def _pixel_sizes(grids: Sequence[Grid]) -> NDArray[np.float64]:
    """Return the side of the pixels of grids (N,) in the middle of each, NaN where it is not known.

    In metres, but in map units where no grid has a CRS.
    """
    sizes = np.full(len(grids), np.nan)
    codes = [grid.crs.to_wkt() if grid.crs is not None else None for grid in grids]
    if not any(codes):
        return np.array([_side(grid) for grid in grids])
    for code in set(codes) - {None}:
        places = [place for place, one in enumerate(codes) if one == code]
        sizes[places] = _sides_in_metres([grids[place] for place in places], CRS.from_wkt(code))
    return sizes


def _sides_in_metres(grids: Sequence[Grid], crs: CRS) -> NDArray[np.float64]:
    transformer = Transformer.from_crs(crs.to_wkt(), "EPSG:4326", always_xy=True)
    corners = []
    for col, row in ((0, 0), (1, 0), (0, 1)):
        points = [grid.transform @ (grid.width / 2 + col, grid.height / 2 + row) for grid in grids]
        corners.append(transformer.transform([x for x, _ in points], [y for _, y in points]))
    geod = Geod(ellps="WGS84")
    (_, _, across), (_, _, down) = (geod.inv(*corners[0], *corners[number]) for number in (1, 2))
    return np.asarray(np.sqrt(np.asarray(across) * np.asarray(down)))


def _side(grid: Grid) -> float:
    width, height = grid.pixel_size
    return float(np.sqrt(width * height))


def _has_crs(survey: Survey) -> bool:
    return any(one.grid.crs is not None for _, one in survey.images)


def _differ(image: Grid, label: Grid) -> bool:
    if (image.height, image.width) != (label.height, label.width):
        return True
    if _is_lost(image) or _is_lost(label):
        return False
    if image.crs is None or label.crs is None:
        image, label = (Grid(None, grid.transform, grid.height, grid.width) for grid in (image, label))
    return not image.is_same(label)


def _is_lost(grid: Grid) -> bool:
    return grid.crs is None and grid.transform.is_identity


def _describe(grid: Grid, other: Grid) -> str:
    """Return a grid in words, with its whole transform where the words alone do not tell it from the other."""
    words = grid.describe()
    return words if words != other.describe() else f"{words}, transform {list(grid.transform)[:6]}"


def _with_split(pair: Pair) -> str:
    return f"{pair.id} ({pair.split})" if pair.split else pair.id
