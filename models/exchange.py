"""From torch to ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch

from ..geoseg_plugin.contract.errors import ModelError
from .card import Card
from .catalog import SIDE_STEP, network_side
from .file import CARD_KEY
from .same_padding import fix_padding

INPUT = "image"
OUTPUT = "logits"
_LARGEST_SIDE = 8192
_MOST_WINDOWS = 4096


def write_onnx(network: torch.nn.Module, card: Card, path: Path, *, any_size: bool) -> None:
    """Write a network as ONNX that takes any number of windows.

    Args:
        network: In evaluation mode, on the CPU, in float32; what it pads by becomes fixed, which changes no answer.
        card: What it is; goes into the metadata.
        path: The .onnx file to write.
        any_size: Whether windows may have any size in multiples of SIDE_STEP; if not, they have the card's tile size.
            Networks that pool into a fixed number of cells cannot be exported for any size.

    Raises:
        ModelError: Torch cannot express the network as ONNX.
    """
    shape = {0: torch.export.Dim("windows", min=1, max=_MOST_WINDOWS)}
    height = width = network_side(card.tile_size)
    if any_size:
        # Sides that differ, so that none is taken for the other.
        height, width = 8 * SIDE_STEP, 10 * SIDE_STEP
        for axis, name in ((2, "height"), (3, "width")):
            shape[axis] = SIDE_STEP * torch.export.Dim(name, min=1, max=_LARGEST_SIDE // SIDE_STEP)
    example = torch.zeros(2, len(card.bands), height, width)
    fix_padding(network)
    with _quiet():
        try:
            program = torch.onnx.export(
                network, (example,), dynamo=True, verbose=False, dynamic_shapes=(shape,),
                input_names=[INPUT], output_names=[OUTPUT],
            )  # fmt: skip
        except (torch.onnx.OnnxExporterError, torch.onnx.errors.UnsupportedOperatorError) as error:
            raise ModelError(
                f"Torch cannot export a {card.architecture} with {card.encoder}: {str(error).splitlines()[0]}.",
                "Train another architecture.",
            ) from error
    model = program.model_proto
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_text()})
    onnx.save(model, str(path))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's talk about its own future, and its progress, from the user."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
