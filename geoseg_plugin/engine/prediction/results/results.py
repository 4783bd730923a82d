"""The files that a prediction writes: class raster, probabilities and polygons."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.io import DatasetWriter

from ....contract.classes import ClassTable
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.prediction import PredictSegmentation
from ...class_raster import create_class_raster
from ...grid import Grid
from ...output import whole_file
from ...provenance import MODEL_TAG, digest_models, request_tags
from ...raster import geotiff_profile
from ..decisions.decision import choose_classes
from ..windows.strips import Strip
from .choices import ChoiceRaster
from .tally import Tally

if TYPE_CHECKING:
    from .polygons import PolygonWriter


@dataclass
class Results:
    """Open files for a map, which take it window by window.

    Attributes:
        grid: The grid of the map.
        classes: The classes in the order of the network's channels.
        output: The class raster.
        probabilities: A raster with one float32 band per class, nodata NaN; None where not wanted.
        polygons: Where the polygons go; None where not wanted.
        choices: What polygons are made of at the end, where windows are narrower than the map; else None.
        tally: Figures over all that was written.
    """

    grid: Grid
    classes: ClassTable
    output: DatasetWriter
    probabilities: DatasetWriter | None
    polygons: PolygonWriter | None
    choices: ChoiceRaster | None

    def __post_init__(self) -> None:
        self.tally = Tally(self.classes)
        self._values = np.array(self.classes.values, dtype=self.output.dtypes[0])

    def write(self, strip: Strip) -> None:
        """Write one strip; without `choices` strips are as wide as the map and come from top to bottom."""
        window, valid = strip.window, strip.valid
        indices, confidence = choose_classes(strip.probabilities)
        self.tally.add(strip.probabilities, indices, confidence, valid)
        values = self._values[indices]
        values[~valid] = self.output.nodata
        self.output.write(values, 1, window=window)
        if self.choices is not None:
            self.choices.write(window, indices, confidence, valid)
        elif self.polygons is not None:
            self.polygons.add(window.row_off, indices, confidence, valid)
        if self.probabilities is not None:
            strip.probabilities[:, ~valid] = np.nan
            self.probabilities.write(strip.probabilities, window=window)

    def finish(self, report: Report) -> None:
        """Finish what goes beyond single windows, and say how the map is made up.

        Raises:
            ModelError: The network's answers are not numbers.
            Cancelled: The user has asked to stop.
        """
        self.tally.conclude(report)
        if self.polygons is None:
            return
        if self.choices is not None:
            for first, indices, confidence, valid in self.choices.strips():
                stop_if_cancelled(report)
                self.polygons.add(first, indices, confidence, valid)
                report.progress((first + len(indices)) / self.grid.height, "Drawing polygons")
        self.polygons.close(report)


def open_results(
    request: PredictSegmentation, grid: Grid, classes: ClassTable, stack: ExitStack, report: Report, *, whole_rows: bool
) -> Results:
    """Create every result that is asked for; they are finished, or removed, when the stack closes.

    Args:
        request: What is asked for.
        grid: The grid of the map.
        classes: Its classes.
        stack: What closes the files.
        report: Hears of styles of other files that are left as they are.
        whole_rows: Whether the map is written from top to bottom in windows of its whole width.
    """
    tags = _tags(request)
    probabilities = polygons = choices = None
    if request.polygons:
        path = stack.enter_context(whole_file(request.polygons, report))
        polygons = _create_polygons(path, grid, classes)
        if not whole_rows:
            choices = ChoiceRaster(path.with_name("choices.tif"), grid)
            stack.callback(choices.remove)
    if request.probabilities:
        path = stack.enter_context(whole_file(request.probabilities, report))
        probabilities = stack.enter_context(_create_probabilities(path, grid, classes, tags))
    # Opened last, the map is finished first: it is the file that other programs may hold, and it gets a shared style.
    path = stack.enter_context(whole_file(request.output, report))
    output = stack.enter_context(create_class_raster(path, grid, classes, tags))
    return Results(grid, classes, output, probabilities, polygons, choices)


def _create_probabilities(path: Path, grid: Grid, classes: ClassTable, tags: dict[str, Any]) -> DatasetWriter:
    profile = geotiff_profile("float32", grid.height, grid.width, len(classes))
    dataset = rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, nodata=float("nan"), **profile)
    dataset.update_tags(**tags)
    for number, name in enumerate(classes.names, start=1):
        dataset.set_band_description(number, name)
    return dataset


def _create_polygons(path: Path, grid: Grid, classes: ClassTable) -> PolygonWriter:
    # Imported late: shapely, scipy, pyogrio and pyproj are for polygons only.
    from .polygon_file import PolygonFile
    from .polygons import PolygonWriter

    return PolygonWriter(PolygonFile(path, grid, classes), classes, grid.width)


def _tags(request: PredictSegmentation) -> dict[str, str]:
    return {**request_tags(request), MODEL_TAG: digest_models((request.model, *request.further_models))}
