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
from ..labels.layer import LabelLayer, read_areas
from ..provenance import request_tags
from ..raster import open_raster
from .cut import Cut, burn_areas, find_cut
from .cutout import Outline, find_window
from .view import View, check_placed, has_mask_band, view_on_grid, warn_of_blending
from .writing import Block, Plan, write_raster


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
        inside = self.cut.find_inside(window)
        if inside is None:
            return Block(image, valid)
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
    return find_cut(grid, request.input, _outline(request, grid, report), _areas(request, report), report)


def _snapped_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    """Return the cut that is the whole grid of LIKE; what INPUT does not cover is hidden."""
    like = str(request.like)
    with open_raster(like) as other:
        grid = Grid.of(other)
    if source.crs is None or grid.crs is None:
        without = request.input if source.crs is None else like
        raise InputError(f"{without} has no CRS, so nothing can be resampled.", "Give the raster its CRS first.")
    find_window(Outline.of_grid(grid, like), Grid.of(source), request.input)
    areas = _areas(request, report)
    mask = None if areas is None else burn_areas(areas, grid, like, report)
    return Cut(grid, Window(0, 0, grid.width, grid.height), mask)


def _areas(request: ClipRaster, report: Report) -> LabelLayer | None:
    return read_areas(request.mask, report) if request.mask else None


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
