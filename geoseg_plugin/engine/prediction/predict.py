"""Gives every pixel of a raster a class."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from rasterio.io import DatasetReader

from ....models.catalog import network_side, smallest_tile
from ...contract.events import Part, Report
from ...contract.stages.prediction import PredictSegmentation, PredictSegmentationResult
from ..grid import Grid
from ..raster import open_raster
from ..scaling import Scaling
from .bands import match_bands, warn_of_odd_pixel_size, warn_of_odd_values
from .blending import Blender
from .maps import MapWriter
from .pipeline import pump
from .reading import WindowReader
from .results import open_results
from .runtime import Network, open_network
from .tally import Tally
from .windows import Cover

# Wide rasters are worked on in sections of so many columns, or so many windows where these are large, so that memory
# does not grow with the width either.
_SECTION_COLUMNS = 8192
_SECTION_WINDOWS = 4


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
    sections = cols.sections(max(_SECTION_COLUMNS, _SECTION_WINDOWS * size))
    count = len(rows.starts) * sum(len(section.windows) for section in sections)
    report.progress(0.01, f"Predicting {count} windows of {size} pixels on {network.device}")
    scaling = Scaling(card.bands)
    with ExitStack() as stack:
        results = open_results(request, Grid.of(dataset), card.classes, stack, report, whole_rows=len(sections) == 1)
        end = 0.99 if results.choices is None else 0.9
        for section in sections:
            reader = WindowReader(dataset, bands, scaling, rows, cols, section=section)
            writer = MapWriter(results, Blender(len(card.classes), rows, cols, section), section.first)
            begin, stop = (0.01 + (end - 0.01) * column / dataset.width for column in (section.first, section.stop))
            pump(reader, network, writer.consume, Part(report, begin, stop))
        report.progress(end, "Finishing the files")
        results.finish(Part(report, end, 0.99))
        return results.tally


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
