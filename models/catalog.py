"""Which networks can be built, and how they are built."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import RequestError
from ..geoseg_plugin.contract.networks import AUTO, NETWORK, NO_ENCODER, Network
from . import encoder_fit, library

if TYPE_CHECKING:
    import torch

    from .losses.loss import Loss, TrainingLoss

SIDE_STEP = 32
_SMALLEST_TILES = {"pan": 128}
# Our own networks: module and class of each, which takes bands, classes and, where there is one to choose, the encoder.
_OWN = {
    "lw-refinenet": ("lw_refinenet", "LightWeightRefineNet"),
    "gscnn": ("gscnn", "GatedScnn"),
    "cloudxnet": ("cloudxnet", "CloudXNet"),
    "satellite-unet": ("satellite_unet", "SatelliteUnet"),
    "slump-unet": ("slump_unet", "SlumpUnet"),
}


def smallest_tile(architecture: str) -> int:
    """Return the smallest side of an image, in pixels, that an architecture can learn from."""
    return _SMALLEST_TILES.get(architecture, SIDE_STEP)


def network_side(pixels: int) -> int:
    """Return the next side of an image, in pixels, that networks take as it is: a multiple of SIDE_STEP."""
    return -(-pixels // SIDE_STEP) * SIDE_STEP


def choose_encoder(architecture: str, encoder: str, other: str | None = None) -> str:
    """Return the encoder that is wanted.

    Args:
        architecture: One of `contract.networks.NETWORK`.
        encoder: AUTO or one of `contract.networks.ENCODERS`.
        other: Any other encoder, in place of it.

    Raises:
        RequestError: The architecture is not known or has no encoder to choose, or the encoder is one of the list that
            does not fit it.
    """
    usual = _network(architecture).encoder
    chosen = other or (usual if encoder == AUTO else encoder)
    if usual == NO_ENCODER and chosen != NO_ENCODER:
        raise RequestError(
            f"{architecture} has no encoder to choose, so that {chosen} cannot be taken.",
            f"Set ENCODER to {AUTO}, and leave OTHER_ENCODER empty.",
        )
    encoder_fit.check_listed(architecture, chosen)
    return chosen


def build_network(architecture: str, encoder: str, bands: int, classes: int, *, tried: bool = False) -> torch.nn.Module:
    """Build a network that turns (N, bands, H, W) float32 into logits (N, classes, H, W).

    Args:
        architecture: One of `contract.networks.NETWORK`.
        encoder: As `choose_encoder` returns it.
        bands: Number of input bands, 1 or more.
        classes: Number of classes K, 2 or more.
        tried: Whether such a network was built before: then an encoder beyond the list is not tried once more.

    Returns:
        The network with random weights, in training mode, on the CPU, in float32. H and W may be any; where they are no
        multiples of SIDE_STEP, zeros are put at the right and bottom for the time being.

    Raises:
        RequestError: The architecture or encoder is not known, or they do not fit together.
    """
    from .any_size import accept_any_size

    usual = _network(architecture).encoder
    if usual == NO_ENCODER:
        return accept_any_size(_own(architecture)(bands, classes), SIDE_STEP)

    def make() -> torch.nn.Module:
        if architecture in _OWN:
            return _own(architecture)(bands, classes, encoder)
        return library.build(architecture, encoder, bands, classes)

    side = smallest_tile(architecture)
    image = None if tried else (bands, side, side + SIDE_STEP)
    return accept_any_size(encoder_fit.build_fitting(make, architecture, encoder, image), SIDE_STEP)


def name_network(architecture: str, encoder: str) -> str:
    """Return an architecture and its encoder, where it has one, in words."""
    return architecture if encoder == NO_ENCODER else f"{architecture} with {encoder}"


def training_loss(network: torch.nn.Module, loss: Loss) -> TrainingLoss:
    """Return the loss of what a network gives in training mode: `loss`, of a network of its own ways more than that.

    In evaluation mode every network gives logits and nothing else.
    """
    own: Callable[[Loss], TrainingLoss] | None = getattr(network, "training_loss", None)
    return loss if own is None else own(loss)


def own_loss(network: torch.nn.Module) -> str:
    """Return in words what `training_loss` adds for that network; "" for networks without ways of their own."""
    words: str = getattr(network, "own_loss", "")
    return words


def _network(architecture: str) -> Network:
    if architecture not in NETWORK:
        raise RequestError(f"The architecture '{architecture}' is not known.", f"Choose one of: {', '.join(NETWORK)}.")
    return NETWORK[architecture]


def _own(architecture: str) -> Callable[..., torch.nn.Module]:
    module, name = _OWN[architecture]
    network: Callable[..., torch.nn.Module] = getattr(import_module(f".{module}", __package__), name)
    return network
