"""The check that training does by itself, on some of the tiles, before its first epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....contract.errors import InputError
from ....contract.events import Report
from ..dataset import TEST, TRAIN, UNUSED, VALIDATION, Dataset
from ..placed import place_tiles
from .finding import ERROR, NOTE, WARNING, Finding, count_severities, in_words, sort_findings
from .findings import find_all
from .ground_faults import find_shared
from .other_labels import weigh
from .pairs import Pair, pairs_of
from .survey import survey_tiles

MOST_TILES = 500
_FEW_TILES = 20
_MOST_BYTES = 1 << 30
_MOST_TOLD = 5  # of each severity
# What training itself says, over all its tiles.
_TOLD_ELSEWHERE = {
    "no_training_tiles", "no_validation_tiles", "classes_absent", "classes_missing_train", "bands_constant",
}  # fmt: skip
_SEE = "'Check dataset' shows all that was found, and where."
_SEE_THERE = "Make a dataset with 'Make training tiles' and the same values: 'Check dataset' shows all that was found."


def check_before_training(dataset: Dataset, report: Report) -> None:
    """Look at tiles of a dataset, MOST_TILES at most, spread evenly; tell what is to know, and what is probably wrong.

    What these show for all labels stops training only where it holds for the other labels as well, which are then read.

    Raises:
        InputError: Something makes training useless.
        Cancelled: The user has asked to stop.
    """
    pairs = pairs_of(dataset)
    used = [pair for pair in pairs.pairs if pair.split != UNUSED]
    tiles = _spread(used, _affordable(dataset))
    survey = survey_tiles(pairs, report, tiles)
    found = [one for one in find_all(survey, report) if one.kind not in _TOLD_ELSEWHERE]
    looked_at = {pair.id for pair in tiles}
    others = [pair for pair in used if pair.id not in looked_at]
    findings = [weigh(one, survey, others, report) for one in found]
    if not any(one.kind == "ground_shared" for one in findings):
        findings += find_ground_in_two_sets(dataset, report)
    findings = list(sort_findings(findings))
    report.note(f"Tiles looked at: {len(tiles)} of {len(used)}; {in_words(count_severities(findings))}.")
    errors = [one for one in findings if one.severity == ERROR]
    see = _SEE if dataset.source is None else _SEE_THERE
    if errors:
        raise InputError(f"{errors[0].what}{_more(len(errors) - 1, ERROR)}", f"{errors[0].fix} {see}")
    notes, warnings = ([one for one in findings if one.severity == which] for which in (NOTE, WARNING))
    for one in notes[:_MOST_TOLD]:
        report.note(one.what)
    for one in warnings[:_MOST_TOLD]:
        report.warn(one.what)
    if warnings:
        report.note(f"{see}{_more(len(warnings) - _MOST_TOLD, WARNING)}")


def find_ground_in_two_sets(dataset: Dataset, report: Report) -> Iterator[Finding]:
    """Find tiles of different sets whose footprints in tiles.gpkg, which the user may have edited, overlap."""
    try:
        placed = place_tiles(dataset)
    except InputError as error:
        report.warn(f"Whether tiles of different sets share ground cannot be told: {error.message}")
        return
    used = np.isin(placed.splits.astype(str), (TRAIN, VALIDATION, TEST))
    tiles = [pair for pair in pairs_of(dataset).pairs if pair.split != UNUSED]
    yield from find_shared(placed.ground().insets[used], tiles, report)


def _affordable(dataset: Dataset) -> int:
    """Return how many tiles can be looked at in a few seconds: fewer of large ones, but never very few."""
    size = dataset.tile_size**2 * len(dataset.bands) * np.dtype(dataset.dtype).itemsize
    return min(MOST_TILES, max(_FEW_TILES, _MOST_BYTES // size))


def _spread(tiles: Sequence[Pair], most: int) -> list[Pair]:
    places = np.unique(np.linspace(0, len(tiles) - 1, min(most, len(tiles))).round().astype(int))
    return [tiles[place] for place in places]


def _more(count: int, severity: str) -> str:
    if count <= 0:
        return ""
    return f" There is 1 {severity} more." if count == 1 else f" There are {count} {severity}s more."
