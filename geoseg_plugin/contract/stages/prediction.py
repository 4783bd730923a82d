"""Stages that put images through a model."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .stage import Stage


@dataclass(frozen=True)
class PredictSegmentationResult:
    """What PredictSegmentation gives back."""

    output: str = give(Kind.RASTER, "Classes", "Class values on the grid of INPUT.")
    probabilities: str | None = give(Kind.RASTER, "Probabilities", "One band per class, 0 to 1.")
    polygons: str | None = give(Kind.VECTOR, "Polygons", "Areas of one class with class, name, area and confidence.")
    mean_confidence: float = give(Kind.NUMBER, "Mean confidence", "Mean probability of the chosen class, 0 to 1.")
    pixels_per_second: float = give(Kind.NUMBER, "Pixels per second", "Valid pixels over the wall time of prediction.")
    device: str = give(Kind.TEXT, "Device", "The device that really did the work.")


@dataclass(frozen=True)
class PredictSegmentation(Stage):
    """Give every pixel of a raster a class, with a trained model.

    The raster goes through the network window by window, so that memory does not grow with it; windows overlap and
    their probabilities are blended. The model's card says how to read the bands, which tile size to use and what the
    classes are called. Pixels without data stay without data.

    OUTPUT has class names and colours. PROBABILITIES has one band per class. POLYGONS has one polygon for every
    connected area of a class (except a class named background) with its class, name, area and mean confidence.
    """

    title = "Predict segmentation"
    group = "Prediction"
    tags = ("deep learning", "inference", "classify", "semantic segmentation", "land cover", "onnx", "map", "vectorize")
    result = PredictSegmentationResult

    input: str = ask(Kind.RASTER, "Image", "The raster to map, with the bands that the model was trained on.")
    model: str = ask(Kind.FILE, "Model", "A model made by GeoSeg.", suffixes=(".safetensors", ".onnx"))
    overlap: float = ask(
        Kind.NUMBER, "Overlap", "How much neighbouring windows share.", default=25.0, minimum=0, maximum=75, unit="%"
    )
    tile_size: int = ask(
        Kind.NUMBER, "Window size", "Side of the windows; 0 takes the model's.", default=0, integer=True, minimum=0,
        maximum=8192, unit="pixels", advanced=True,
    )  # fmt: skip
    batch_size: int = ask(
        Kind.NUMBER, "Batch size", "Windows per step; 0 chooses.", default=0, integer=True, minimum=0, maximum=4096,
        advanced=True,
    )  # fmt: skip
    device: str = ask(Kind.TEXT, "Device", "auto, cpu, cuda or cuda:N.", default="auto", advanced=True)
    output: str = ask(Kind.RASTER_OUT, "Classes", "The class raster to write.")
    probabilities: str | None = ask(
        Kind.RASTER_OUT, "Probabilities", "A raster with one band per class to write.", optional=True
    )
    polygons: str | None = ask(
        Kind.VECTOR_OUT, "Polygons", "A vector layer to write (.gpkg keeps its style).", optional=True
    )
