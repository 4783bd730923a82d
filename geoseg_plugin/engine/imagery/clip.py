"""The stage that cuts a raster to an extent, to the extent of another raster, or to polygons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rasterio.io import DatasetReader
from rasterio.windows import Window
from rasterio.windows import intersect as windows_intersect
from rasterio.windows import intersection as common_window

from ...contract.errors import InputError
from ...contract.events import Report
from ...contract.fields import Extent
from ...contract.stages.imagery import COG, LIKE_GRID, ClipRaster, ClipRasterResult
from ..grid import Grid
from ..labels.burner import Burner
from ..labels.layer import read_label_layer
from ..provenance import request_tags
from ..raster import open_raster
from .cutout import Outline, bounds_window, find_window
from .view import View, has_mask_band, holds_classes, view_on_grid
from .writing import Block, Plan, write_raster


@dataclass(frozen=True)
class Cut:
    """What to cut out.

    Attributes:
        frame: The grid that is cut: that of INPUT, or that of LIKE.
        window: The window of `frame` that becomes the result.
        mask: Polygons, burnt on `frame`; what lies outside them is hidden.
    """

    frame: Grid
    window: Window
    mask: Burner | None = None

    @property
    def grid(self) -> Grid:
        """The grid of the result."""
        return self.frame.part(self.window)


def clip_raster(request: ClipRaster, report: Report) -> ClipRasterResult:
    """Write the part of INPUT that is asked for.

    Raises:
        InputError: An input cannot be read, or they do not overlap.
        OutputError: OUTPUT cannot be written.
    """
    with open_raster(request.input) as source:
        if request.snap == LIKE_GRID and request.resampling != "nearest" and holds_classes(source):
            report.note(f"{request.input} holds classes, which cannot be averaged: nearest neighbours are taken.")
        cut = _snapped_cut(source, request, report) if request.snap == LIKE_GRID else _own_cut(source, request, report)
        with view_on_grid(source, cut.grid, request.resampling) as view:
            plan = _plan(request, view, cut)
            masked = plan.masked or request.nodata is not None
            write_raster(
                plan, request.output, lambda window: _make_block(view, cut, window, masked),
                cog=request.format == COG, report=report,
            )  # fmt: skip
    return ClipRasterResult(output=request.output)


def _own_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    """Return the cut along INPUT's own pixels."""
    grid = Grid.of(source)
    outline = _outline(request, grid, report)
    window = find_window(outline, grid, request.input) if outline else Window(0, 0, grid.width, grid.height)
    mask = _burn_mask(request, grid, report)
    if mask is None:
        return Cut(grid, window)
    around = bounds_window(mask.bounds, grid)
    if around is None:
        mask.check_overlap()
        raise InputError(f"{request.mask} only touches {request.input}.", "Choose polygons on the raster.")
    if not windows_intersect(around, window):
        raise InputError(f"{request.mask} does not overlap the extent that was asked for.", "Choose polygons within.")
    return Cut(grid, common_window(around, window), mask)


def _snapped_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    """Return the cut that is the whole grid of LIKE; what INPUT does not cover is hidden."""
    like = str(request.like)
    with open_raster(like) as other:
        grid = Grid.of(other)
    if source.crs is None or grid.crs is None:
        without = request.input if source.crs is None else like
        raise InputError(f"{without} has no CRS, so nothing can be resampled.", "Give the raster its CRS first.")
    find_window(Outline.of_grid(grid, like), Grid.of(source), request.input)
    mask = _burn_mask(request, grid, report)
    if mask is not None:
        mask.check_overlap()
    return Cut(grid, Window(0, 0, grid.width, grid.height), mask)


def _burn_mask(request: ClipRaster, grid: Grid, report: Report) -> Burner | None:
    if not request.mask:
        return None
    layer = read_label_layer(request.mask, None, 0, report, areas_only=True)
    return Burner(layer, grid, request.input, all_touched=False, report=report)


def _outline(request: ClipRaster, grid: Grid, report: Report) -> Outline | None:
    if request.extent:
        return Outline.of_extent(Extent.parse(request.extent), grid.crs)
    if not request.like:
        return None
    with open_raster(request.like) as like:
        other = Grid.of(like)
    if other.crs is None and grid.crs is None:
        report.warn(f"Neither {request.input} nor {request.like} has a CRS: they are taken to lie in the same plane.")
    return Outline.of_grid(other, request.like)


def _plan(request: ClipRaster, view: View, cut: Cut) -> Plan:
    plan = Plan.like(view.source, cut.grid, request_tags(request)).with_nodata(request.nodata)
    hides = cut.mask is not None or not view.covers(cut.grid)
    can_hide = plan.nodata is not None or plan.alpha_band is not None
    return replace(plan, masked=request.nodata is None and (has_mask_band(view.source) or (hides and not can_hide)))


def _make_block(view: View, cut: Cut, window: Window, masked: bool) -> Block:
    # Unless a mask band has to be written or a new nodata value, pixels say themselves whether they have data.
    image, shown = view.read(window, masked=masked)
    if cut.mask is not None:
        col, row = cut.window.col_off + window.col_off, cut.window.row_off + window.row_off
        inside = cut.mask.burn(Window(col, row, window.width, window.height))[0] == 1
        shown = inside if shown is None else shown & inside
    return Block(image, shown)
