"""Which encoders fit which networks."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import RequestError, first_line
from ..geoseg_plugin.contract.networks import ENCODERS
from . import library
from .memory import is_out_of_memory

if TYPE_CHECKING:
    import torch

_VISION_TRANSFORMERS = tuple(name for name in ENCODERS if name.startswith("tu-vit_"))
_MIX_TRANSFORMERS = tuple(name for name in ENCODERS if name.startswith("mit_"))
# Encoders that pool where others take strides, and so cannot be dilated.
_NOT_DILATED = ("densenet121", "densenet169", "vgg16_bn", "xception", "tu-hrnet_w18")
_NOT_FITTING = {
    "unetplusplus": _MIX_TRANSFORMERS,
    "linknet": _MIX_TRANSFORMERS,
    "pan": _NOT_DILATED,
    "deeplabv3": _NOT_DILATED,
    "deeplabv3plus": _NOT_DILATED,
    "gscnn": _NOT_DILATED,
}
_FAULTS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError)


# Of fewer channels than these, at a stride and without neighbours, torch 2 cannot learn on the CPU: the process ends.
_FEWEST_CHANNELS = 16
_MOST_NAMED = 12


def fitting_encoders(architecture: str) -> tuple[str, ...]:
    """Return the encoders of the list that a network can be built with."""
    if architecture == library.DPT:
        return _VISION_TRANSFORMERS
    misfits = (*_VISION_TRANSFORMERS, *_NOT_FITTING.get(architecture, ()))
    return tuple(name for name in ENCODERS if name not in misfits)


def check_listed(architecture: str, encoder: str) -> None:
    """Refuse an encoder of the list that does not fit; others are not looked at.

    Raises:
        RequestError: It does not fit.
    """
    if encoder in ENCODERS and encoder not in fitting_encoders(architecture):
        raise _misfit(architecture, encoder)


def build_fitting(
    make: Callable[[], torch.nn.Module], architecture: str, encoder: str, image: tuple[int, int, int] | None
) -> torch.nn.Module:
    """Build a network if its encoder fits: one of the list by what is known of it, any other by trying.

    Args:
        make: Builds the network.
        architecture: What it builds, for messages.
        encoder: Its encoder.
        image: Bands, height and width of the smallest image that the network takes, for trying; None if
            it was tried before.

    Raises:
        RequestError: The encoder is not known, or does not fit.
    """
    check_listed(architecture, encoder)
    if encoder in ENCODERS:
        return make()
    if not library.is_known(encoder):
        plain, dot, tag = encoder.partition(".")
        if dot and plain.startswith(library.TIMM) and library.is_known(plain):
            raise RequestError(f"The encoder {plain} has no weights with the tag '{tag}'.", f"Write {plain} alone.")
        near = difflib.get_close_matches(encoder, library.known_encoders(), 3)
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        raise RequestError(
            f"The encoder '{encoder}' is not known.",
            f"{meant}Choose one of the list, or any other of segmentation-models-pytorch, or tu- and a name of timm.",
        )
    try:
        network = make()
        if image is not None and _ends_the_process(network):
            raise ValueError("Torch has a fault that ends the process when it learns first layers like its")
        fits = image is None or _answers(network, image)
    except _FAULTS as error:
        if is_out_of_memory(error):
            raise
        raise _misfit(architecture, encoder, first_line(error) if str(error).strip() else "") from error
    if not fits:
        raise _misfit(architecture, encoder)
    return network


def _answers(network: torch.nn.Module, image: tuple[int, int, int]) -> bool:
    """Whether a network gives logits of the image's size that depend on the image."""
    import torch

    network.eval()
    pattern = torch.linspace(-1, 1, image[1] * image[2]).mul(1000).sin().view(1, 1, *image[1:])
    pattern = pattern.repeat(1, image[0], 1, 1).requires_grad_()
    logits = network(pattern)
    # Not the logits themselves, which in a deep network without training hardly differ.
    (seen,) = torch.autograd.grad(logits.square().sum(), pattern, allow_unused=True)
    network.train()
    return logits.shape[-2:] == image[1:] and seen is not None and bool(seen.any())


def _ends_the_process(network: torch.nn.Module) -> bool:
    """Whether going back through a network could end the process, for channels-last memory on the CPU."""
    from torch.nn import Conv2d

    return any(
        isinstance(part, Conv2d)
        and part.kernel_size == (1, 1)
        and part.stride != (1, 1)
        and part.in_channels < _FEWEST_CHANNELS
        for part in network.modules()
    )


def _misfit(architecture: str, encoder: str, reason: str = "") -> RequestError:
    because = f": {reason.rstrip('.')}" if reason else ""
    return RequestError(
        f"The encoder '{encoder}' does not fit {architecture}{because}.",
        _advice(architecture, encoder),
    )


def _advice(architecture: str, encoder: str) -> str:
    fitting = fitting_encoders(architecture)
    more = len(fitting) - _MOST_NAMED
    rest = f", or one of {more} more in docs/reference.md" if more > 0 else ""
    instead = " Such transformers are for dpt." if encoder.startswith("tu-vit_") and architecture != library.DPT else ""
    return f"For {architecture} choose one of: {', '.join(fitting[:_MOST_NAMED])}{rest}.{instead}"
