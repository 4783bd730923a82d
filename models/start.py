"""With which encoder and weights a training starts, where these are left open."""

from __future__ import annotations

from ..geoseg_plugin.contract.networks import AUTO, INCLUDED, NO_ENCODER, REPLACED
from .catalog import choose_encoder
from .published_weights import IMAGENET
from .weights import NO_FILES, NO_WEIGHTS, card_in, check_file


def choose_start(architecture: str, encoder: str, other: str | None, weights: str) -> tuple[str, str]:
    """Return the encoder and the weights that are wanted, for `catalog.build_network` and `weights.give_weights`.

    An encoder that is left to us is that of the model in `weights`, if there is one.

    Args:
        architecture: As for `catalog.choose_encoder`.
        encoder: Likewise.
        other: Likewise.
        weights: AUTO, or as for `weights.give_weights`, with capitals or not. With AUTO and "imagenet", INCLUDED stands
            in for REPLACED where the encoder is left to us. AUTO then is "imagenet" with INCLUDED, else "none".

    Raises:
        RequestError: Architecture and encoder do not fit, or there is no file `weights`.
        ModelError: It is of another kind, or damaged.
    """
    chosen = choose_encoder(architecture, encoder, other)
    left_to_us = encoder == AUTO and not other and chosen != NO_ENCODER
    kind = weights.lower()
    if kind in (AUTO, IMAGENET) and left_to_us and chosen == REPLACED:
        chosen = INCLUDED
    if kind == AUTO:
        kind = IMAGENET if chosen == INCLUDED else NO_WEIGHTS
    if kind in NO_FILES:
        return chosen, kind
    check_file(weights)
    card = card_in(weights) if left_to_us else None
    if card is not None and card.encoder != NO_ENCODER:
        chosen = choose_encoder(architecture, encoder, card.encoder)
    return chosen, weights
