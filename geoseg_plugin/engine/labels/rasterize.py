"""The stage that turns a vector layer into a label raster."""

from __future__ import annotations

import numpy as np

from ...contract.events import Report, stop_if_cancelled
from ...contract.stages.labels import RasterizeLabels, RasterizeLabelsResult, background_value
from ..class_raster import class_dtype, create_class_raster
from ..grid import Grid
from ..output import whole_file
from ..provenance import request_tags
from ..raster import blocks, open_raster
from .burner import Burner
from .layer import read_label_layer

_BLOCK = 2048


def rasterize_labels(request: RasterizeLabels, report: Report) -> RasterizeLabelsResult:
    """Burn the features of LABELS onto the grid of LIKE.

    Raises:
        InputError: An input cannot be read, the two do not fit, or the classes cannot be used.
        OutputError: OUTPUT cannot be written.
    """
    with open_raster(request.like) as image:
        return _burn_layer(request, Grid.of(image), report)


def _burn_layer(request: RasterizeLabels, grid: Grid, report: Report) -> RasterizeLabelsResult:
    report.progress(0.01, "Reading labels")
    layer = read_label_layer(request.labels, request.field, background_value(request.background), report)
    burner = Burner(layer, grid, request.like, all_touched=request.all_touched, report=report)
    burner.check_overlap()
    ignore = class_dtype(layer.classes)[1]
    counts = np.zeros(ignore + 1, dtype=np.int64)
    covered, pixels = 0, grid.height * grid.width
    with whole_file(request.output, report) as path:
        with create_class_raster(path, grid, layer.classes, request_tags(request)) as output:
            done = 0
            for window in blocks(grid.height, grid.width, _BLOCK, _BLOCK):
                stop_if_cancelled(report)
                label, labelled = burner.burn(window)
                output.write(label, 1, window=window)
                counts += np.bincount(label.ravel(), minlength=len(counts))
                covered += labelled
                done += label.size
                report.progress(0.05 + 0.94 * done / pixels, "Burning labels")
        if covered == 0:
            report.warn("No pixel was labelled: the features are smaller than pixels. Try ALL_TOUCHED.")
    present = [one for one in layer.classes if counts[one.value]]
    report.note("Pixels: " + ", ".join(f"{one.name} {counts[one.value]}" for one in present))
    return RasterizeLabelsResult(
        output=request.output, class_count=len(present), labelled_share=round(100 * covered / pixels, 3)
    )
