"""What a training writes."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage


@dataclass(frozen=True, init=False, repr=False, eq=False)
class WritesResults(Stage):
    """The model, and what tells of its training."""

    model: str = ask(Kind.FILE_OUT, "Model", "The model file to write.", suffixes=(".safetensors",))
    report: str | None = ask(
        Kind.FILE_OUT, "Report", "A page with curves, confusion matrix and example panels.", optional=True,
        suffixes=(".html",),
    )  # fmt: skip
    preview: str | None = ask(
        Kind.FILE_OUT, "Preview of augmentation", "A picture of some training tiles with their labels, as they are and "
        "as they are varied.", optional=True, advanced=True, suffixes=(".png",),
    )  # fmt: skip
    log: str | None = ask(
        Kind.FOLDER_OUT, "Training log", "A folder to make, which grows with every epoch: figures as a table and for "
        "TensorBoard ('Tracking server' shows them), and pictures of some validation tiles. With RESUME, one that is "
        "there already goes on.", optional=True, advanced=True,
    )  # fmt: skip
