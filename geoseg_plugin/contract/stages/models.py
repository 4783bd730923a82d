"""Stages that handle model files."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .stage import Stage


@dataclass(frozen=True)
class ExportModelResult:
    """What ExportModel gives back."""

    output: str = give(Kind.FILE, "Exported model", "The model in the chosen format, with its card inside.")
    max_difference: float = give(
        Kind.NUMBER, "Largest difference", "Largest difference of a logit between both models on the compared tiles."
    )


@dataclass(frozen=True)
class ExportModel(Stage):
    """Turn a trained model into a file that runs without torch.

    The exported model is run beside the original on real tiles, and is written only if both answer alike. The tiles
    come from SAMPLE, or from the dataset that the model was trained on where that still exists.
    """

    title = "Export model"
    group = "Models"
    tags = ("onnx", "convert", "deploy", "share")
    result = ExportModelResult

    model: str = ask(Kind.FILE, "Model", "A model made by 'Train segmentation'.", suffixes=(".safetensors",))
    format: str = ask(Kind.CHOICE, "Format", "The format to write.", default="onnx", choices=("onnx",))
    sample: str | None = ask(
        Kind.RASTER, "Sample image", "An image to compare on; without it the training tiles are used.", optional=True
    )
    output: str = ask(Kind.FILE_OUT, "Exported model", "The file to write.", suffixes=(".onnx",))
