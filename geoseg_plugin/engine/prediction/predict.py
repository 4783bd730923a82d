"""Gives every pixel of a raster a class."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.io import DatasetReader, DatasetWriter

from ....models.catalog import smallest_tile
from ...contract.classes import ClassTable
from ...contract.events import Part, Report
from ...contract.stages.prediction import PredictSegmentation, PredictSegmentationResult
from ..class_raster import create_class_raster
from ..grid import Grid
from ..output import whole_file
from ..provenance import request_tags
from ..raster import geotiff_profile, open_raster
from ..scaling import Scaling
from .bands import match_bands, warn_of_odd_pixel_size, warn_of_odd_values
from .blending import Blender
from .maps import MapWriter
from .pipeline import pump
from .reading import WindowReader
from .runtime import Network, open_network
from .tally import Tally
from .windows import Cover, network_side

if TYPE_CHECKING:
    from .polygons import PolygonWriter


def predict_segmentation(request: PredictSegmentation, report: Report) -> PredictSegmentationResult:
    """Put a raster through a model, window by window, and write the map.

    Args:
        request: What is asked for.
        report: Hears of progress, of what looks odd, and of the metrics `wall_s` and `network_s`.

    Raises:
        InputError: The raster cannot be read.
        ModelError: The model cannot be read, or the raster does not have its bands.
        OutputError: A result cannot be written.
        Cancelled: The user has asked to stop; nothing is left behind.
    """
    report.progress(0.0, "Loading the model")
    _warn_of_one_style(request, report)
    with open_raster(request.input) as dataset:
        network = open_network(request.model, request.device, request.batch_size, request.tile_size, report)
        bands = match_bands(dataset, network.card, report)
        warn_of_odd_values(dataset, bands, network.card, report)
        warn_of_odd_pixel_size(Grid.of(dataset), network.card, report)
        started = time.monotonic()
        tally = _predict(request, dataset, bands, network, report)
        wall = time.monotonic() - started
    report.metric("wall_s", wall, 0)
    report.metric("network_s", network.seconds, 0)
    return PredictSegmentationResult(
        output=request.output,
        probabilities=request.probabilities,
        polygons=request.polygons,
        mean_confidence=tally.mean_confidence,
        pixels_per_second=tally.pixels / wall,
        device=network.device,
    )


def _predict(
    request: PredictSegmentation, dataset: DatasetReader, bands: tuple[int, ...], network: Network, report: Report
) -> Tally:
    card = network.card
    size = _window_size(request.tile_size, network, report)
    rows = Cover.of(dataset.height, size, request.overlap / 100)
    cols = Cover.of(dataset.width, size, request.overlap / 100)
    count = len(rows.starts) * len(cols.starts)
    report.progress(0.01, f"Predicting {count} windows of {size} pixels on {network.device}")
    reader = WindowReader(dataset, bands, Scaling(card.bands), rows, cols)
    blender = Blender(len(card.classes), rows, cols)
    with ExitStack() as stack:
        writer = _open_results(request, Grid.of(dataset), card.classes, blender, stack)
        pump(reader, network, writer.consume, Part(report, 0.01, 0.99))
        report.progress(0.99, "Finishing the files")
        writer.close()
        writer.tally.conclude(report)
        return writer.tally


def _warn_of_one_style(request: PredictSegmentation, report: Report) -> None:
    """Warn when map and polygons differ in nothing but their suffix: QGIS takes one .qml for both."""
    map_name, polygons_name = (
        path and Path(path).absolute().with_suffix("") for path in (request.output, request.polygons)
    )
    if map_name == polygons_name:
        report.warn(
            f"OUTPUT and POLYGONS have the name {Path(request.output).stem} in common and so one style file, which "
            "OUTPUT gets. Give POLYGONS another name if they shall arrive styled."
        )


def _window_size(asked: int, network: Network, report: Report) -> int:
    """Return the side of the windows in pixels: what is asked for as far as the network can take it."""
    wanted = asked or network.card.tile_size
    rounded = max(network_side(wanted), smallest_tile(network.card.architecture))
    size = network.fixed_size or rounded
    if size != wanted:
        report.note(f"Windows of {size} pixels are used, since the network cannot take {wanted}")
    return size


def _open_results(
    request: PredictSegmentation, grid: Grid, classes: ClassTable, blender: Blender, stack: ExitStack
) -> MapWriter:
    """Create every result that is asked for; they are finished, or removed, when the stack closes."""
    tags = _tags(request)
    path = stack.enter_context(whole_file(request.output))
    output = stack.enter_context(create_class_raster(path, grid, classes, tags))
    probabilities = polygons = None
    if request.probabilities:
        path = stack.enter_context(whole_file(request.probabilities))
        probabilities = stack.enter_context(_create_probabilities(path, grid, classes, tags))
    if request.polygons:
        path = stack.enter_context(whole_file(request.polygons))
        polygons = _create_polygons(path, grid, classes)
    return MapWriter(classes, blender, output, probabilities, polygons)


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
    with Path(request.model).open("rb") as model:
        digest = hashlib.file_digest(model, "sha256").hexdigest()
    return {**request_tags(request), "GEOSEG_MODEL_SHA256": digest}
