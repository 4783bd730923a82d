"""Models of torch that onnxruntime is to run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio

from .....models.card import Card
from .....models.catalog import network_side
from .....models.file import read_card
from ....contract.events import Report
from ....contract.stages.models import ExportModel
from ...processes.apart import run_apart
from ...raster import geotiff_profile


@contextmanager
def exported(path: str, report: Report) -> Iterator[str]:
    """Give a .safetensors model as an .onnx file, which goes when the block ends.

    Another process writes it, so that this one needs no torch and can be cancelled meanwhile; it makes sure that both
    answer alike.

    Raises:
        ModelError: The model cannot be read or exported, or the exported one answers differently.
        Cancelled: The user has asked to stop.
    """
    card = read_card(path)
    report.progress(0.0, "Turning the model into one for onnxruntime")
    with tempfile.TemporaryDirectory(prefix="geoseg-") as folder:
        sample, output = Path(folder) / "sample.tif", Path(folder) / "model.onnx"
        _draw_sample(sample, card)
        run_apart(ExportModel(model=path, sample=str(sample), output=str(output)), report)
        yield str(output)


def _draw_sample(path: Path, card: Card) -> None:
    """Write a tile of noise with the mean and spread of the training images."""
    side = network_side(card.tile_size)
    noise = np.random.default_rng(0).normal(size=(len(card.bands), side, side))
    image = np.stack([band.mean + band.std * one for band, one in zip(card.bands, noise, strict=True)])
    profile = geotiff_profile("float32", side, side, len(card.bands))
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(image.astype(np.float32))
        dataset.descriptions = tuple(band.name for band in card.bands)
