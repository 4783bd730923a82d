"""Turns a trained model into a file that runs without torch, and makes sure that it answers alike."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ....models.card import Card
from ....models.catalog import network_side, smallest_tile
from ....models.exchange import write_onnx
from ....models.file import ONNX_SUFFIX, load_network
from ...contract.errors import InputError, ModelError, RequestError
from ...contract.events import Report, stop_if_cancelled
from ...contract.stages.models import ExportModel, ExportModelResult
from ...contract.stages.prediction_parts.windows import CROP
from ..datasets.dataset import VALIDATION, open_dataset
from ..grid import Grid
from ..output import whole_file
from ..raster import open_raster
from ..scaling import Scaling
from .networks.onnx_network import open_onnx_network
from .networks.torch_network import TorchNetwork
from .scenes.bands import match_bands
from .scenes.part import Part
from .scenes.reading import Channels, WindowInput, WindowReader
from .scenes.sources import RasterSource
from .windows.covering import Cover, Coverage, Region

TOLERANCE = 1e-3
_TILES = 6
_PLACES_PER_SIDE = 3

_Array = NDArray[np.float32]


def export_model(request: ExportModel, report: Report) -> ExportModelResult:
    """Write a model as ONNX if both give the same logits on real tiles, within TOLERANCE of the largest logit.

    Raises:
        ModelError: The model cannot be read or exported, or the exported one answers differently.
        InputError: There are no tiles to compare on.
    """
    if Path(request.output).suffix.lower() != ONNX_SUFFIX:
        raise RequestError(f"OUTPUT is '{request.output}'.", f"Give it a name that ends in {ONNX_SUFFIX}.")
    report.progress(0.0, "Loading the model")
    device = torch.device("cpu")
    module, card = load_network(request.model, device)
    tiles = list(islice(_tiles(request, card, report), _TILES))
    if not tiles:
        raise InputError("The tiles to compare on have no data.", "Give an image with data as SAMPLE.")
    stop_if_cancelled(report)
    with whole_file(request.output, report) as path:
        difference = _export(TorchNetwork(module, card, device, 1), path, tiles, report)
    report.note(f"On {len(tiles)} tiles the logits of both models differ by {difference:.1e} at most")
    return ExportModelResult(output=request.output, max_difference=difference)


def _export(original: TorchNetwork, path: Path, tiles: list[_Array], report: Report) -> float:
    """Write the model for windows of any size, or else for the card's tile size; return the largest difference."""
    smaller = max(smallest_tile(original.card.architecture), network_side(original.card.tile_size // 2))
    report.progress(0.2, "Exporting")
    try:
        write_onnx(original.module, original.card, path, any_size=True)
        report.progress(0.5, f"Comparing on {len(tiles)} tiles")
        return _compare(original, path, [*tiles, tiles[0][:, :smaller, :smaller]], report)
    except ModelError as error:
        report.detail(f"Not for any window size: {error}")
    stop_if_cancelled(report)
    report.progress(0.6, f"Exporting for windows of {original.card.tile_size} pixels only")
    write_onnx(original.module, original.card, path, any_size=False)
    report.progress(0.8, f"Comparing on {len(tiles)} tiles")
    return _compare(original, path, tiles, report)


def _compare(original: TorchNetwork, path: Path, tiles: list[_Array], report: Report) -> float:
    """Return the largest difference of a logit.

    Raises:
        ModelError: It is too large.
    """
    exported = open_onnx_network(str(path), "cpu", 1, report)
    largest = scale = 0.0
    for tile in tiles:
        stop_if_cancelled(report)
        wanted, got = original.logits(tile[None]), exported.logits(tile[None])
        largest = max(largest, float(np.abs(wanted - got).max()))
        scale = max(scale, float(np.abs(wanted).max()))
    if not largest <= TOLERANCE * max(scale, 1.0):
        raise ModelError(
            f"The exported model answers differently: logits up to {scale:.3g} differ by up to {largest:.3g}.",
            "Nothing was written. Use the .safetensors model.",
        )
    return largest


def _tiles(request: ExportModel, card: Card, report: Report) -> Iterator[_Array]:
    """Yield network inputs (C, size, size) from SAMPLE, or else from the validation tiles of the card's dataset."""
    if request.sample:
        yield from _windows(request.sample, card, report)
        return
    fix = "Give an image as SAMPLE to compare the models on."
    if not card.dataset:
        raise InputError("The model names no training tiles.", fix)
    try:
        tiles = open_dataset(card.dataset).split(VALIDATION)
    except InputError as error:
        raise InputError(f"The model's training tiles are not there any more ({card.dataset}).", fix) from error
    for tile in tiles:
        yield from _windows(str(tile.image), card, report)


def _windows(path: str, card: Card, report: Report) -> Iterator[_Array]:
    """Yield network inputs from a few places all over a raster."""
    with open_raster(path) as dataset:
        (bands,) = match_bands(dataset, [card], None, report)
        rows, cols = (_places(length, network_side(card.tile_size)) for length in dataset.shape)
        coverage = Coverage(rows, cols, CROP)
        whole = Region(coverage.rows.section(0, dataset.height), coverage.cols.section(0, dataset.width))
        channels = Channels(tuple(range(len(bands))), Scaling(card.bands))
        source = RasterSource(dataset, bands, Part.whole(Grid.of(dataset)))
        for item in WindowReader(source, [channels], coverage, whole):
            if isinstance(item, WindowInput):
                yield item.pixels[0]


def _places(length: int, size: int) -> Cover:
    places = np.linspace(0, max(0, length - size), _PLACES_PER_SIDE).astype(int)
    return Cover(length, size, tuple(sorted({int(place) for place in places})))
