"""The stage that turns vector layers into a label raster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from ...contract.class_list import ClassList, parse_class_list, read_class_file
from ...contract.classes import LARGEST_VALUE, ClassTable, LabelClass
from ...contract.errors import InputError
from ...contract.events import Report, stop_if_cancelled
from ...contract.stages.labels import (
    BOUNDARY_CLASS,
    NO_BOUNDARY,
    RasterizeLabels,
    RasterizeLabelsResult,
    background_value,
)
from ..class_raster import class_dtype, create_class_raster
from ..grid import Grid
from ..imagery.gaps import may_have_gaps
from ..imagery.writing import block_shape
from ..output import whole_files
from ..provenance import request_tags
from ..raster import blocks, geotiff_profile, open_raster
from .burner import Burner
from .canvas import Canvas, Rims, Weighting
from .classes import add_class
from .layer import LabelLayer, LabelRules, read_areas, read_label_layers
from .tally import Tally

_BOUNDARY = ("boundary", "#000000")
_PLAIN_BYTES, _NUMBERED_BYTES = 4, 64  # of a pixel: labels alone; with the distances that rims and weights need


def rasterize_labels(request: RasterizeLabels, report: Report) -> RasterizeLabelsResult:
    """Burn the features of LABELS and MORE_LABELS onto the grid of LIKE.

    Raises:
        RequestError: CLASS_FILE cannot be used.
        InputError: An input cannot be read, they do not fit, or the classes cannot be used.
        OutputError: A result cannot be written.
    """
    with open_raster(request.like) as image:
        report.progress(0.01, "Reading labels")
        background = background_value(request.background)
        rules = LabelRules(
            request.field, background, _read_classes(request), request.nulls, request.unknown, request.overlaps,
            request.buffer, Grid.of(image),
        )  # fmt: skip
        layer = read_label_layers([request.labels, *request.more_labels], rules, report)
        table = _with_boundary(layer.classes, request)
        canvas = _prepare(request, layer, table, image, report)
        tally = Tally(table, background)
        _write(request, canvas, table, tally, report)
        tally.tell(report)
    return RasterizeLabelsResult(
        output=request.output, instances=request.instances, weights=request.weights,
        class_count=tally.class_count, labelled_share=tally.labelled_share, ignored_share=tally.ignored_share,
        class_counts=json.dumps(tally.by_value),
    )  # fmt: skip


def _read_classes(request: RasterizeLabels) -> ClassList | None:
    if request.class_file:
        return read_class_file(request.class_file)
    return parse_class_list(request.classes) if request.classes else None


def _with_boundary(table: ClassTable, request: RasterizeLabels) -> ClassTable:
    """Return the table of the result, with the class of boundaries after all others where there is one."""
    if request.boundary != BOUNDARY_CLASS:
        return table
    value = max(table.values) + 1
    if value > LARGEST_VALUE:
        raise InputError(
            f"There is no class value left for boundaries beyond {LARGEST_VALUE}.", "Use smaller class values."
        )
    return add_class(table, LabelClass(value, *_BOUNDARY))


def _prepare(
    request: RasterizeLabels, layer: LabelLayer, table: ClassTable, image: DatasetReader, report: Report
) -> Canvas:
    grid = Grid.of(image)
    ignore = class_dtype(table)[1]
    burner = Burner(layer.with_classes(table), grid, request.like, all_touched=request.all_touched, report=report)
    burner.check_overlap()
    areas = None
    if request.areas:
        areas = Burner(read_areas(request.areas, report), grid, request.like, all_touched=False, report=report)
        areas.check_overlap()
    rims = None
    if request.boundary != NO_BOUNDARY:
        rims = Rims(request.boundary_width, max(table.values) if request.boundary == BOUNDARY_CLASS else ignore)
    return Canvas(
        burner, grid, ignore, areas,
        image if request.ignore_nodata and may_have_gaps(image, zero_nodata=request.zero_nodata) else None,
        request.zero_nodata, rims, request.instances is not None,
        Weighting(request.border_weight, request.border_sigma) if request.weights else None, report,
    )  # fmt: skip


def _write(request: RasterizeLabels, canvas: Canvas, table: ClassTable, tally: Tally, report: Report) -> None:
    """Paint block by block into all results, which appear when all are whole."""
    grid, tags = canvas.grid, request_tags(request)
    wanted = [path for path in (request.output, request.instances, request.weights) if path]
    with whole_files(wanted, report) as staged:
        paths = iter(staged)
        with ExitStack() as opened:
            label = opened.enter_context(create_class_raster(next(paths), grid, table, tags))
            numbers = weights = None
            if request.instances:
                numbers = opened.enter_context(_create(next(paths), grid, "int32", "instance", tags, nodata=0))
            if request.weights:
                weights = opened.enter_context(_create(next(paths), grid, "float32", "weight", tags))
            for done, window in _steps(grid, block_shape(grid.width, _pixel_bytes(canvas))):
                stop_if_cancelled(report)
                painted = canvas.paint(window)
                for dataset, pixels in zip((label, numbers, weights), painted, strict=True):
                    if dataset is not None:
                        dataset.write(pixels, 1, window=window)
                tally.add(painted.label)
                report.progress(0.05 + 0.94 * done, "Burning labels")


def _create(
    path: Path, grid: Grid, dtype: str, name: str, tags: dict[str, str], *, nodata: float | None = None
) -> DatasetWriter:
    profile = geotiff_profile(dtype, grid.height, grid.width, 1)
    dataset = rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, nodata=nodata, **profile)
    dataset.update_tags(**tags)
    dataset.set_band_description(1, name)
    return dataset


def _pixel_bytes(canvas: Canvas) -> int:
    """Return how many bytes of memory a pixel takes while it is painted, at most."""
    found = _NUMBERED_BYTES if canvas.needs_numbers else _PLAIN_BYTES
    return found if canvas.image is None else found + sum(2 + np.dtype(name).itemsize for name in canvas.image.dtypes)


def _steps(grid: Grid, shape: tuple[int, int]) -> Iterator[tuple[float, Window]]:
    """Return the blocks to paint, and which share of all is done with each."""
    done = 0
    for window in blocks(grid.height, grid.width, *shape):
        done += window.height * window.width
        yield done / (grid.height * grid.width), window
