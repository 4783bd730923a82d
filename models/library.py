"""The networks of segmentation-models-pytorch, with its encoders and those of timm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import RequestError
from ..geoseg_plugin.contract.networks import ENCODERS

if TYPE_CHECKING:
    import torch

# segmentation-models-pytorch 0.6: encoders that cannot be dilated, and decoders that take no transformer.
_NOT_FITTING = {
    "pan": ("densenet121", "vgg16_bn"),
    "deeplabv3": ("densenet121", "vgg16_bn"),
    "deeplabv3plus": ("densenet121", "vgg16_bn"),
    "unetplusplus": ("mit_b0", "mit_b1", "mit_b2"),
    "linknet": ("mit_b0", "mit_b1", "mit_b2"),
}
# The name by which segmentation-models-pytorch builds them without a deprecation warning.
_CURRENT_NAMES = {"timm-mobilenetv3_large_100": "tu-tf_mobilenetv3_large_100"}


def fitting_encoders(architecture: str) -> tuple[str, ...]:
    """Return the encoders of the list that an architecture can be built with."""
    return tuple(name for name in ENCODERS if name not in _NOT_FITTING.get(architecture, ()))


def build(architecture: str, encoder: str, bands: int, classes: int) -> torch.nn.Module:
    """Build a network with random weights, as `catalog.build_network` does.

    Raises:
        RequestError: The encoder is not known, or does not fit the architecture.
    """
    if encoder in ENCODERS and encoder not in fitting_encoders(architecture):
        raise RequestError(
            f"The encoder '{encoder}' does not fit {architecture}.",
            f"For {architecture} choose one of: {', '.join(fitting_encoders(architecture))}.",
        )
    import segmentation_models_pytorch as smp

    network: torch.nn.Module = smp.create_model(
        architecture, _CURRENT_NAMES.get(encoder, encoder), encoder_weights=None, in_channels=bands, classes=classes
    )
    return network
