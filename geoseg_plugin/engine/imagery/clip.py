"""The stage that cuts a raster to an extent, to the extent of another raster, or to polygons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ...contract.errors import InputError
from ...contract.events import Report
from ...contract.fields import Extent
from ...contract.stages.imagery import LIKE_GRID, ClipRaster, ClipRasterResult
from ..class_raster import read_class_table
from ..grid import Grid
from ..labels.burner import Burner
from ..labels.layer import read_label_layer
from ..provenance import request_tags
from ..raster import open_raster
from .copy import Cut, copy_pixels
from .cutout import Outline, bounds_window, find_window


def clip_raster(request: ClipRaster, report: Report) -> ClipRasterResult:
    """Write the part of INPUT that is asked for.

    Raises:
        InputError: An input cannot be read, or they do not overlap.
        OutputError: OUTPUT cannot be written.
    """
    tags = request_tags(request)
    with open_raster(request.input) as source:
        if request.snap == LIKE_GRID and request.like:
            with _open_like(request.like) as grid, _snap(source, grid, request, report) as snapped:
                whole = Window(0, 0, grid.width, grid.height)
                copy_pixels(Cut(source, snapped, grid, whole), request.output, tags, report)
        else:
            cut = _find_cut(source, request, report)
            copy_pixels(cut, request.output, tags, report)
    return ClipRasterResult(output=request.output)


@contextmanager
def _open_like(path: str) -> Iterator[Grid]:
    with open_raster(path) as like:
        yield Grid.of(like)


def _find_cut(source: DatasetReader, request: ClipRaster, report: Report) -> Cut:
    grid = Grid.of(source)
    if request.mask:
        layer = read_label_layer(request.mask, None, 0, report, areas_only=True)
        mask = Burner(layer, grid, request.input, all_touched=False, report=report)
        window = bounds_window(mask.bounds, grid)
        if window is None:
            mask.check_overlap()
            raise InputError(f"{request.mask} only touches {request.input}.", "Choose polygons on the raster.")
        return Cut(source, source, grid.part(window), window, mask)
    outline = _outline(request, grid, report)
    window = find_window(outline, grid, request.input)
    return Cut(source, source, grid.part(window), window)


def _outline(request: ClipRaster, grid: Grid, report: Report) -> Outline:
    if request.extent:
        return Outline.of_extent(Extent.parse(request.extent), grid.crs)
    like = str(request.like)
    with _open_like(like) as other:
        if other.crs is None and grid.crs is None:
            report.warn(f"Neither {request.input} nor {like} has a CRS: they are taken to lie in the same plane.")
        return Outline.of_grid(other, like)


@contextmanager
def _snap(source: DatasetReader, grid: Grid, request: ClipRaster, report: Report) -> Iterator[WarpedVRT]:
    """Show INPUT on LIKE's grid; what INPUT does not cover is nodata, or transparent where it has no nodata value."""
    if source.crs is None or grid.crs is None:
        without = request.input if source.crs is None else request.like
        raise InputError(f"{without} has no CRS, so nothing can be resampled.", "Give the raster its CRS first.")
    find_window(Outline.of_grid(grid, str(request.like)), Grid.of(source), request.input)
    has_mask = source.nodata is not None or ColorInterp.alpha in source.colorinterp
    resampling = Resampling[request.resampling]
    if resampling is not Resampling.nearest and _holds_classes(source):
        resampling = Resampling.nearest
        report.note(f"{request.input} holds classes, which cannot be averaged: nearest neighbours are taken.")
    with WarpedVRT(
        source, crs=grid.crs, transform=grid.transform, height=grid.height, width=grid.width,
        resampling=resampling, add_alpha=not has_mask,
    ) as snapped:  # fmt: skip
        yield snapped


def _holds_classes(source: DatasetReader) -> bool:
    return ColorInterp.palette in source.colorinterp or read_class_table(source) is not None
