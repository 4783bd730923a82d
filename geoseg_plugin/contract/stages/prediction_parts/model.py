"""What a prediction asks: the model."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage


@dataclass(frozen=True, init=False, repr=False, eq=False)
class PutsThroughModel(Stage):
    """The model."""

    model: str = ask(Kind.FILE, "Model", "A model made by GeoSeg.", suffixes=(".safetensors", ".onnx"))
