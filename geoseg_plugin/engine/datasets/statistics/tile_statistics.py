"""The stage that measures the tiles of a dataset and puts them into folds."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import InputError
from ....contract.events import Part, Report
from ....contract.stages.tile_statistics import TRAINING_TILES, TileStatistics, TileStatisticsResult, percentages
from ...moments import Moments
from ...output import whole_file
from ...style import write_fold_style, write_split_style
from ..dataset import TRAIN, open_dataset
from ..layer import write_in_parts
from ..placed import PlacedTiles, place_tiles
from ..tile_table import TileTable
from .distribution import find_distribution
from .folds import assign_folds
from .measured import is_counted, measure_dataset
from .summary import summarize
from .table import tile_columns, write_table

_WRITING_SHARE = 0.95
_LAYER = "tile statistics"


@dataclass(frozen=True)
class _Results:
    """What is written: the tiles (N), their folds (N,) if any, and the summary."""

    tiles: TileTable
    folds: NDArray[np.int64] | None
    summary: dict[str, Any]


def measure_tiles(request: TileStatistics, report: Report) -> TileStatisticsResult:
    """Measure every tile of DATASET and all of them together, and write layer, table and summary.

    Raises:
        InputError: DATASET is none, a tile is damaged, no tile has data, or FOLDS cannot be made of it.
        OutputError: A result cannot be written.
    """
    placed = place_tiles(open_dataset(request.dataset))
    chosen = _choose(request, placed)
    folds = assign_folds(request, placed, report)
    reading_share = _WRITING_SHARE if is_counted(placed.dataset.dtype) else _WRITING_SHARE / 2
    measured = measure_dataset(placed, chosen, Part(report, 0, reading_share))
    whole = measured.tiles.take(chosen)
    if not whole.valid.any():
        raise InputError(f"No pixel of the {len(whole)} tiles has data.", "Check the nodata value of the images.")
    moments, percents = whole.moments(), percentages(request.percentiles)
    spread = find_distribution(
        [tile for tile, is_chosen in zip(placed.dataset.tiles, chosen, strict=True) if is_chosen], placed.dataset,
        counted=measured.counted, moments=moments, percents=percents, bins=request.bins,
        report=Part(report, reading_share, _WRITING_SHARE),
    )  # fmt: skip
    summary = summarize(
        request, dataset=placed.dataset, tiles=measured.tiles, chosen=chosen, moments=moments, spread=spread,
        percents=percents, folds=folds,
    )  # fmt: skip
    _write(request, placed, _Results(measured.tiles, folds, summary), report)
    skipped = int(measured.tiles.to_skip.sum())
    _tell(placed, moments, skipped, report)
    return TileStatisticsResult(
        tiles=request.tiles, tile_stats=request.tile_stats or "", summary=request.summary or "",
        tile_count=len(measured.tiles), skipped_count=skipped, mean=_listed(moments.mean), std=_listed(moments.std),
    )  # fmt: skip


def _choose(request: TileStatistics, placed: PlacedTiles) -> NDArray[np.bool_]:
    splits = placed.splits
    if request.of != TRAINING_TILES:
        return np.ones(len(splits), dtype=np.bool_)
    if not (splits == TRAIN).any():
        raise InputError(f"{request.dataset} has no training tiles.", "Set OF to 'all tiles', or split it anew.")
    return np.asarray(splits == TRAIN)


def _write(request: TileStatistics, placed: PlacedTiles, results: _Results, report: Report) -> None:
    """Write all results, which take their places together."""
    report.progress(_WRITING_SHARE, "Writing")
    tiles, folds = results.tiles, results.folds
    with ExitStack() as stack:
        layer = stack.enter_context(whole_file(request.tiles, report))
        columns = tile_columns(tiles, placed.dataset, folds)
        write_in_parts(layer, placed.polygons, columns, placed.crs, layer=_LAYER)
        if folds is None:
            write_split_style(layer)
        else:
            write_fold_style(layer, int(folds.max()) + 1)
        if request.tile_stats:
            table = stack.enter_context(whole_file(request.tile_stats, report))
            write_table(table, tiles, placed.polygons, placed.dataset, folds)
        if request.summary:
            text = json.dumps(results.summary, ensure_ascii=False, indent=1, allow_nan=False)
            file: Path = stack.enter_context(whole_file(request.summary, report))
            file.write_text(text + "\n", encoding="utf-8")


def _tell(placed: PlacedTiles, moments: Moments, skipped: int, report: Report) -> None:
    for at, name in enumerate(placed.dataset.bands):
        report.note(
            f"{name}: {moments.minimum[at]:g} to {moments.maximum[at]:g}, mean {moments.mean[at]:.6g}, standard "
            f"deviation {moments.std[at]:.6g}."
        )
    if skipped:
        report.note(f"{skipped} tiles have no data or one value only, and are marked to be skipped.")


def _listed(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.10g}" for value in values)
