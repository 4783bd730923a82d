"""Encoders that stay as they are while the rest of the network learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .....models.weights import NO_WEIGHTS
from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.networks import NETWORK, NO_ENCODER
from ....contract.stages.training import TrainSegmentation


def check_freezing(request: TrainSegmentation, weights: str, report: Report) -> None:
    """Check that there is an encoder where one is to be frozen, and warn when it knows nothing yet.

    Args:
        request: What was asked for.
        weights: What training starts from, as `models.start.choose_start` returns it.
        report: Hears the warning.

    Raises:
        RequestError: FROZEN_EPOCHS is more than 0, and the network has no encoder.
    """
    if not request.frozen_epochs:
        return
    if NETWORK[request.architecture].encoder == NO_ENCODER:
        raise RequestError(
            f"FROZEN_EPOCHS is {request.frozen_epochs}, but {request.architecture} has no encoder to freeze.",
            "Set FROZEN_EPOCHS to 0, or choose a network with an encoder, such as unet.",
        )
    if weights == NO_WEIGHTS:
        report.warn(
            f"The encoder stays frozen for {request.frozen_epochs} epochs, but its weights are random (WEIGHTS is "
            f"{request.weights}): the network can hardly learn meanwhile. Set FROZEN_EPOCHS to 0, or WEIGHTS to "
            "imagenet."
        )


@contextmanager
def training_mode(network: torch.nn.Module, *, frozen: bool) -> Iterator[None]:
    """Put a network into training mode, in which its encoder learns along or stays as it is.

    A frozen encoder has no gradients, so that no optimizer changes it, and is in evaluation mode: its batch
    normalisations keep their statistics and it drops nothing. Nothing of it is remembered: go through this for every
    epoch. Afterwards all that was frozen can learn again.

    Args:
        network: One of models.catalog, without wrappers.
        frozen: Whether the encoder stays as it is; for networks that have one alone.
    """
    network.train()
    if not frozen:
        yield
        return
    encoder = network.encoder.eval()
    held = [weights for weights in encoder.parameters() if weights.requires_grad]
    for weights in held:
        weights.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        for weights in held:
            weights.requires_grad_(requires_grad=True)
