"""The networks of segmentation-models-pytorch, with its encoders and those of timm."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

TIMM = "tu-"
DPT = "dpt"


def build(architecture: str, encoder: str, bands: int, classes: int) -> torch.nn.Module:
    """Build a network with random weights, as `catalog.build_network` does, with whatever errors the library has."""
    import segmentation_models_pytorch as smp

    options: dict[str, Any] = {}
    if architecture == DPT:
        options = {"dynamic_img_size": True, "num_classes": 0}
    with _quiet():
        network: torch.nn.Module = smp.create_model(
            architecture, encoder, encoder_weights=None, in_channels=bands, classes=classes, **options
        )
    if architecture == DPT:
        # The last normalisation is for image classes alone, and would never learn.
        network.encoder.model.prune_intermediate_layers(prune_norm=True)
    return network


def build_encoder(encoder: str, bands: int, output_stride: int = 32) -> torch.nn.Module:
    """Build an encoder with random weights, with whatever errors the library has.

    Args:
        encoder: One of segmentation-models-pytorch, or TIMM and the name of one of timm.
        bands: Number of input bands.
        output_stride: The coarsest stride; 8 or 16 dilate the encoder.

    Returns:
        A module that turns (N, bands, H, W) into its features at strides 1 (the image), 2 (may have no channel), 4, 8,
        16 and 32; those beyond `output_stride` stay at it. Their channels are its `out_channels`.
    """
    from segmentation_models_pytorch.encoders import get_encoder

    with _quiet():
        module: torch.nn.Module = get_encoder(
            encoder, in_channels=bands, depth=5, weights=None, output_stride=output_stride
        )
    return module


def known_encoders() -> tuple[str, ...]:
    """Return the names of all encoders of segmentation-models-pytorch and of all models of timm."""
    import timm
    from segmentation_models_pytorch.encoders import encoders

    return (*encoders, *(TIMM + name for name in timm.list_models()))


def is_known(encoder: str) -> bool:
    """Whether an encoder is one of `known_encoders`, with or without timm's tag (tu-name.tag)."""
    import timm
    from segmentation_models_pytorch.encoders import encoders

    if encoder.startswith(TIMM):
        name = encoder.removeprefix(TIMM)
        return bool(timm.is_model(name) and ("." not in name or timm.models.is_model_pretrained(name)))
    return encoder in encoders


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep quiet of old names (timm-...), which stay, and of layers without channels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
