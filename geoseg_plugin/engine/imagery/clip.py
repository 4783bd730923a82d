"""The stage that cuts a raster to an extent, to the extent of another raster, or to polygons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...contract.errors import InputError
from ...contract.events import Report
from ...contract.fields import Extent
from ...contract.stages.imagery import COG, LIKE_GRID, ClipRaster, ClipRasterResult
from ..grid import Grid
from ..labels.burner import Burner
from ..labels.layer import read_areas
from ..provenance import request_tags
from ..raster import open_raster
from .cutout import Outline, bounds_window, find_window
from .view import View, check_placed, has_mask_band, view_on_grid, warn_of_blending
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


@dataclass
class Cutter:
    """Makes the blocks of a result.

    Attributes:
        view: INPUT on the grid of the result.
        cut: What to cut out.
        plan: The result.
        renewed: Whether pixels without data get the nodata value of the result.
        inside: How many pixels of the blocks made so far lie within the polygons.
    """

    view: View
    cut: Cut
    plan: Plan
    renewed: bool
    inside: int = 0

    def make_block(self, window: Window) -> Block:
        """Return the pixels of a window of the result."""
        source = self.view.source
        # Unless a mask band or other nodata values have to be written, pixels say themselves whether they have data.
        image, valid = self.view.read_bands(window, source.indexes, masked=self.plan.masked or self.renewed)
        if self.cut.mask is None:
            return Block(image, valid)
        col, row = self.cut.window.col_off + window.col_off, self.cut.window.row_off + window.row_off
        inside = self.cut.mask.burn(Window(col, row, window.width, window.height)) == 1
        self.inside += int(np.count_nonzero(inside))
        return Block(image, inside if valid is None else valid & inside)


def clip_raster(request: ClipRaster, report: Report) -> ClipRasterResult:
    """Write the part of INPUT that is asked for.

    Raises:
        InputError: An input cannot be read, or they do not overlap.
        OutputError: OUTPUT cannot be written.
    """
    with open_raster(request.input) as source:
        check_placed(source, report)
        cut = _snapped_cut(source, request, report) if request.snap == LIKE_GRID else _own_cut(source, request, report)
        with view_on_grid(source, cut.grid, request.resampling) as view:
            warn_of_blending(view, request.resampling, report)
            renewed = request.nodata is not None or len(set(map(str, source.nodatavals))) > 1
            cutter = Cutter(view, cut, _plan(request, view, cut), renewed)
            write_raster(cutter.plan, request.output, cutter.make_block, cog=request.format == COG, report=report)
    if cut.mask is not None and not cutter.inside:
        report.warn(f"No pixel has its centre within the polygons of {request.mask}: {request.output} has no data.")
    return ClipRasterResult(output=request.output)


def _own_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    """Return the cut along INPUT's own pixels."""
    grid = Grid.of(source)
    outline = _outline(request, grid, report)
    frame = grid.part(find_window(outline, grid, request.input)) if outline else grid
    name = f"the part of {request.input} that {outline.name} covers" if outline else request.input
    mask = _burn_mask(request, frame, name, report)
    if mask is None:
        return Cut(frame, Window(0, 0, frame.width, frame.height))
    around = bounds_window(mask.bounds, frame)
    if around is None:
        raise InputError(f"{request.mask} only touches {name}.", "Choose polygons on the raster.")
    return Cut(frame, around, mask)


def _snapped_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    """Return the cut that is the whole grid of LIKE; what INPUT does not cover is hidden."""
    like = str(request.like)
    with open_raster(like) as other:
        grid = Grid.of(other)
    if source.crs is None or grid.crs is None:
        without = request.input if source.crs is None else like
        raise InputError(f"{without} has no CRS, so nothing can be resampled.", "Give the raster its CRS first.")
    find_window(Outline.of_grid(grid, like), Grid.of(source), request.input)
    mask = _burn_mask(request, grid, like, report)
    return Cut(grid, Window(0, 0, grid.width, grid.height), mask)


def _burn_mask(request: ClipRaster, grid: Grid, name: str, report: Report) -> Burner | None:
    if not request.mask:
        return None
    mask = Burner(read_areas(request.mask, report), grid, name, all_touched=False, report=report)
    mask.check_overlap()
    return mask


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
