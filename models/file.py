"""The model file: weights and card together in one file, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import ModelError
from .card import Card

if TYPE_CHECKING:
    import torch

CARD_KEY = "geoseg_card"
ONNX_SUFFIX = ".onnx"

_DAMAGED = "Copy or train it again: the file is damaged, or no model file."


def save_model(path: str | Path, state: Mapping[str, torch.Tensor], card: Card) -> None:
    """Write weights and card to a .safetensors file.

    Args:
        path: The file to write.
        state: The network's state dict, on any device and in any memory format.
        card: What the model is.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    # Not save_file, which lets nobody but the owner read the file.
    Path(path).write_bytes(save(tensors, metadata={CARD_KEY: card.to_text()}))


def read_card(path: str) -> Card:
    """Return the card of a .safetensors or .onnx model. Needs torch for neither.

    Raises:
        ModelError: The file is missing or damaged, or holds no card.
    """
    if not Path(path).is_file():
        raise ModelError(f"There is no model file {path}.", "Check the path.")
    text = _onnx_metadata(path) if Path(path).suffix.lower() == ONNX_SUFFIX else safetensors_metadata(path)
    if CARD_KEY not in text:
        raise ModelError(f"{path} holds no GeoSeg card.", "Choose a model made by GeoSeg.")
    return Card.from_text(text[CARD_KEY], path)


def load_network(path: str, device: torch.device) -> tuple[torch.nn.Module, Card]:
    """Build the network of a .safetensors model and load its weights.

    Args:
        path: The model file.
        device: Where the network shall be.

    Returns:
        The network in evaluation mode, which turns (N, C, H, W) float32 into logits (N, K, H, W), and its card.

    Raises:
        ModelError: The file is missing or damaged, or its weights are not those of the network that its card names.
    """
    from .catalog import build_network

    card = read_card(path)
    network = build_network(card.architecture, card.encoder, len(card.bands), len(card.classes), tried=True)
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {path} are not those of a {card.architecture} with {card.encoder}.", _DAMAGED
        ) from error
    return network.to(device).eval(), card


def read_tensors(path: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a .safetensors file by name.

    Raises:
        ModelError: The file is missing or damaged, or is of another kind.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as .safetensors: {error}.", _DAMAGED) from error
    return tensors


def safetensors_metadata(path: str) -> dict[str, str]:
    """Return the texts in the header of a .safetensors file.

    Raises:
        ModelError: The file is missing or damaged, or is of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as .safetensors: {error}.", _DAMAGED) from error


def _onnx_metadata(path: str) -> dict[str, str]:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as ONNX: {error}.", _DAMAGED) from error
    return {entry.key: entry.value for entry in model.metadata_props}
