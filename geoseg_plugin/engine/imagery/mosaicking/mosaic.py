"""The stage that joins rasters into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.errors import InputError
from ....contract.events import Part, Report, stop_if_cancelled
from ....contract.stages.imagery import COG, MEAN, MEDIAN, MOST_COMPLETE, MosaicRasters, MosaicRastersResult
from ...grid import Grid
from ...provenance import request_tags
from ...raster import blocks, open_raster, read_known, read_window
from ...sampling import warn_of_odd_alpha
from ..view import view_on_grid, warn_of_blending
from ..writing import Block, Plan, block_shape, is_value_of, write_raster
from .agreement import check_sources, shared_domains, shared_notes, shared_tags
from .frame import Placed, choose_grid, place_sources
from .overlaps import Canvas, compose, part_side
from .pieces import Layer, PieceReader, box_of
from .search import find_paths
from .sources import Source, keeps_alpha, mosaic_dtype, read_sources
from .virtual import write_virtual

_HEADERS_SHARE = 0.05
_COUNTS_SHARE = 0.3
_GAP_SIDE = 256


def mosaic_rasters(request: MosaicRasters, report: Report) -> MosaicRastersResult:
    """Write the mosaic of INPUTS, or of the rasters in FOLDER.

    Raises:
        InputError: The rasters do not fit together, or one cannot be read.
        RequestError: FOLDER, PATTERN, NODATA or METHOD does not suit.
        OutputError: OUTPUT cannot be written.
    """
    paths = find_paths(request)
    headers = Part(report, 0.0, _HEADERS_SHARE)
    sources = read_sources(paths, headers, from_folder=bool(request.folder))
    check_sources(sources, report)
    _check_classes(request, sources)
    grid = choose_grid(request, sources, report)
    placed = place_sources(sources, grid, report)
    _warn_of_misread(request, placed, grid, report)
    with open_raster(sources[0].path) as first:  # it stays open, and with it the settings of GDAL that readers share
        plan = _plan(request, first, sources, placed, grid)
        if request.is_virtual:
            write_virtual(plan, request, placed, Part(report, _HEADERS_SHARE, 1.0))
        else:
            _write(plan, request, placed, report)
    return MosaicRastersResult(output=request.output, count=len(placed))


def _write(plan: Plan, request: MosaicRasters, placed: Sequence[Placed], report: Report) -> None:
    done = _HEADERS_SHARE
    if request.method == MOST_COMPLETE:
        placed = _most_complete_first(placed, Part(report, done, _COUNTS_SHARE))
        done = _COUNTS_SHARE
    with PieceReader(placed, plan.grid, alpha=plan.alpha_band, resampling=request.resampling, report=report) as reader:
        by_band = any(one.source.by_band for one in placed)
        composer = _Composer(plan, request.method, reader, by_band, report)
        write_raster(
            plan, request.output, composer.make_block, cog=request.format == COG, report=Part(report, done, 1.0)
        )
    if composer.is_empty:
        report.warn(f"{request.output} has no data: where it lies, no raster has any.")


def _check_classes(request: MosaicRasters, sources: Sequence[Source]) -> None:
    with_classes = [source.path for source in sources if source.holds_classes]
    if with_classes and request.method in (MEAN, MEDIAN):
        raise InputError(
            f"{with_classes[0]} holds classes, of which there is no {request.method}.", "Choose another METHOD."
        )


def _warn_of_misread(request: MosaicRasters, placed: Sequence[Placed], grid: Grid, report: Report) -> None:
    """Look at one raster of a kind: alpha that looks like an image, or what looks like classes, is told."""
    transparent = next((one for one in placed if one.source.has_alpha), None)
    if transparent:
        with open_raster(transparent.source.path) as dataset:
            warn_of_odd_alpha(dataset, report)
    resampled = sorted((one for one in placed if not one.is_direct), key=lambda one: not one.source.holds_classes)
    if resampled:
        part = grid.part(resampled[0].window)
        with open_raster(resampled[0].source.path) as dataset, view_on_grid(dataset, part, request.resampling) as view:
            warn_of_blending(view, request.resampling, report)


def _plan(
    request: MosaicRasters, first: DatasetReader, sources: Sequence[Source], placed: Sequence[Placed], grid: Grid
) -> Plan:
    """Return the plan of the mosaic, which says of itself what the first raster says, and of all what they share."""
    plan = Plan.like(first, grid, {})
    dtype = mosaic_dtype(sources)
    bands = shared_notes(sources, sources[0].alpha if keeps_alpha(sources) else None)
    colours = plan.colours if dtype in ("uint8", "uint16") else None
    plan = replace(
        plan, dtype=dtype, colours=colours, bands=bands,
        domains=shared_domains(sources),
        tags={**shared_tags(sources), **request_tags(request)},
    ).with_nodata(_choose_nodata(request, plan.nodata, sources, dtype))  # fmt: skip
    others = any(
        source.has_mask or any(not _is_same(value, plan.nodata) for value in source.nodatavals) for source in sources
    )
    can_hide = plan.nodata is not None or plan.alpha_band is not None
    return replace(
        plan, nodata_is_new=plan.nodata is not None and (plan.nodata_is_new or others),
        masked=not can_hide and not _is_filled(placed, grid),
    )  # fmt: skip


def _choose_nodata(
    request: MosaicRasters, first: float | None, sources: Sequence[Source], dtype: str
) -> float | None:  # fmt: skip
    """Return the nodata value: the one asked for, the first raster's, or where bands miss pixels alone another's."""
    if request.nodata is not None:
        return request.nodata
    if first is not None or np.dtype(dtype).kind == "f" or len(sources[0].bands) == 1:
        return first
    stated = (value for source in sources if source.by_band for value in source.nodatavals)
    return next((value for value in stated if value is not None and is_value_of(value, dtype)), None)


def _is_same(one: float | None, other: float | None) -> bool:
    return one == other or str(one) == str(other)  # NaN is NaN


def _is_filled(placed: Sequence[Placed], grid: Grid) -> bool:
    """Tell whether rasters that have data everywhere certainly fill the grid."""
    full = [one.window for one in placed if one.is_direct and not one.source.may_hide]
    return bool(shapely.union_all([box_of(one) for one in full]).covers(shapely.box(0, 0, grid.width, grid.height)))


def _most_complete_first(placed: Sequence[Placed], report: Report) -> tuple[Placed, ...]:
    """Order rasters by the share of their own pixels that have no data, the smallest first."""
    gaps = []
    for number, one in enumerate(placed):
        part = Part(report, number / len(placed), (number + 1) / len(placed))
        gaps.append(_missing_share(one.source, part) if one.source.is_partial else 0.0)
    return tuple(placed[number] for number in np.argsort(gaps, kind="stable"))


def _missing_share(source: Source, report: Report) -> float:
    known = 0
    with open_raster(source.path) as dataset:
        shape = block_shape(dataset.width, dataset.count * np.dtype(dataset.dtypes[0]).itemsize)
        for window in blocks(dataset.height, dataset.width, *shape):
            stop_if_cancelled(report)
            image = read_window(dataset, window, source.bands)
            known += int(np.count_nonzero(read_known(dataset, window, image, source.bands).any(axis=0)))
            done = (window.row_off + window.height) / dataset.height
            report.progress(done, "Counting pixels without data")
    return 1 - known / (source.grid.height * source.grid.width)


@dataclass
class _Composer:
    """Makes the blocks of a mosaic."""

    plan: Plan
    method: str
    reader: PieceReader
    by_band: bool
    report: Report
    is_empty: bool = True

    def make_block(self, window: Window) -> Block:
        """Return the pixels of a window of the grid."""
        pieces = self.reader.find(window)
        canvas = self._empty(window)
        side = part_side(self.method, pieces, len(self.plan.bands), self.plan.dtype)
        if side is None:
            compose(self.method, pieces, canvas)
        else:
            for part in blocks(int(window.height), int(window.width), side, side):
                self._make_part(_within(window, part), canvas.part(_place(part)))
        self.is_empty = self.is_empty and not canvas.known.any()
        return Block(canvas.image, None if canvas.known.all() else canvas.known)

    def _make_part(self, window: Window, canvas: Canvas) -> None:
        stop_if_cancelled(self.report)
        pieces = self.reader.find(window)
        compose(self.method, pieces, canvas)
        if all(piece.placed.is_direct for piece in pieces):
            return
        for part in blocks(int(window.height), int(window.width), _GAP_SIDE, _GAP_SIDE):
            self._close_gaps(_within(window, part), canvas.part(_place(part)))

    def _close_gaps(self, window: Window, canvas: Canvas) -> None:
        """Fill the hairlines that rounding leaves between rasters that touch each other but are resampled each alone.

        Where nothing is known, such rasters reach a fraction of a pixel beyond their edges.
        """
        hidden = ~canvas.known.any(axis=0)
        pieces = [piece for piece in self.reader.find(window) if not piece.placed.is_direct]
        if pieces and hidden.any():
            around = self._empty(window)
            compose(self.method, pieces, around, stretched=True)
            canvas.take(Layer(around.image, around.known), around.known & hidden)

    def _empty(self, window: Window) -> Canvas:
        shape = len(self.plan.bands), int(window.height), int(window.width)
        missing = np.nan if np.dtype(self.plan.dtype).kind == "f" else 0
        fill = missing if self.plan.nodata is None else self.plan.nodata
        return Canvas.empty(shape, self.plan.dtype, by_band=self.by_band, fill=fill)


def _within(window: Window, part: Window) -> Window:
    return Window(window.col_off + part.col_off, window.row_off + part.row_off, part.width, part.height)


def _place(part: Window) -> tuple[slice, slice, slice]:
    rows, cols = part.toslices()
    return slice(None), rows, cols
