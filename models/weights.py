"""What training starts from: random weights, those of an encoder, or a model of GeoSeg."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import ModelError, RequestError
from ..geoseg_plugin.contract.events import Report
from ..geoseg_plugin.contract.networks import AUTO, INCLUDED, NO_ENCODER
from .card import Card
from .catalog import build_network
from .file import CARD_KEY, ONNX_SUFFIX, read_tensors, safetensors_metadata
from .included_weights import read_included
from .published_weights import IMAGENET, fetch_imagenet, name_in_timm, read_as_timm

if TYPE_CHECKING:
    import torch

NO_WEIGHTS = "none"
NO_FILES = (NO_WEIGHTS, IMAGENET)

_ENCODER = "encoder."
_PICKLES = (".pth", ".pt", ".ckpt", ".bin", ".tar")
# Networks whose encoder differs from that of its name in all others.
_OWN_ENCODERS = (("lw-refinenet", "mobilenet_v2"),)
_FAULTS = (RuntimeError, LookupError, AttributeError, ValueError)
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Design:
    """What a network is built for: its architecture and encoder, and the names of its bands and classes in order."""

    architecture: str
    encoder: str
    bands: tuple[str, ...]
    classes: tuple[str, ...]


def give_weights(network: torch.nn.Module, design: Design, weights: str, report: Report) -> str:
    """Load weights into a new network, in place.

    Args:
        network: From `catalog.build_network`.
        design: What it is built for.
        weights: "none" (random), "imagenet" (of the encoder: that of `included_weights` is at hand, others are
            downloaded once), or the path of a .safetensors file, which is either the state dict of an encoder or a
            GeoSeg model. A model with the same encoder and another architecture gives its encoder; with the same
            architecture it gives everything, where bands or classes are others as `adaptation.adapt` has it. In
            encoders without names of bands what sees these is adapted as `adaptation.repeat_kernels` does.
        report: Hears of a download, and which classes and bands are new.

    Returns:
        What was taken, in words for the log.

    Raises:
        RequestError: There is no file `weights`, or the network has no encoder to take them.
        ModelError: The weights do not fit.
        GeosegError: The imagenet weights cannot be downloaded.
    """
    check_file(weights)
    if weights.lower() == NO_WEIGHTS:
        return "random weights"
    if weights.lower() == IMAGENET:
        _need_encoder(design, f"WEIGHTS is {IMAGENET}")
        if design.encoder == INCLUDED:
            _fill_encoder(network, design, read_included(), f"{IMAGENET} weights")
        else:
            path = fetch_imagenet(design.encoder, name_in_timm(network.encoder), report)
            _fill_encoder(network, design, read_tensors(path), f"weights in {path}")
        return f"{IMAGENET} weights of the encoder"
    card = card_in(weights)
    if card is None:
        _need_encoder(design, f"{weights} is no model of GeoSeg")
        _fill_encoder(network, design, read_tensors(weights), f"weights in {weights}")
        return f"encoder weights from {weights}"
    if (card.architecture, card.encoder) == (design.architecture, design.encoder):
        return _learn_on(network, design, card, weights, report)
    _fill_encoder_from_model(network, design, card, weights, report)
    return f"encoder weights from {weights}"


def card_in(path: str) -> Card | None:
    """Return the card of a model, None where a .safetensors file has none.

    Raises:
        ModelError: The file or its card cannot be read.
    """
    text = safetensors_metadata(path).get(CARD_KEY)
    return None if text is None else Card.from_text(text, path)


def check_file(weights: str) -> None:
    """Refuse what can never be taken, by its name alone.

    Raises:
        RequestError: There is no such file.
        ModelError: It is an ONNX model, or may hold programs.
    """
    if weights.lower() in NO_FILES:
        return
    if not Path(weights).is_file():
        raise RequestError(
            f"WEIGHTS is '{weights}', which is neither {AUTO}, {NO_WEIGHTS}, {IMAGENET} nor an existing file.",
            f"Write {AUTO}, {NO_WEIGHTS} or {IMAGENET}, or give the path of a .safetensors file.",
        )
    if Path(weights).suffix.lower() == ONNX_SUFFIX:
        raise ModelError(
            f"WEIGHTS is {weights}, an ONNX model, which cannot learn on.",
            "Give the .safetensors model that it was exported from.",
        )
    if Path(weights).suffix.lower() in _PICKLES:
        raise ModelError(
            f"WEIGHTS is {weights}, which is not opened: such files can hold programs beside weights.",
            "Save its state dict as .safetensors: safetensors.torch.save_file(torch.load(FILE, weights_only=True), "
            "'weights.safetensors').",
        )


def _need_encoder(design: Design, what: str) -> None:
    if design.encoder == NO_ENCODER:
        raise RequestError(
            f"{what}, and {design.architecture} has no encoder that could take weights.",
            f"Set WEIGHTS to {NO_WEIGHTS} or to a model of GeoSeg with {design.architecture}, or choose a network with "
            "an encoder, such as unet.",
        )


def _fill_encoder(network: torch.nn.Module, design: Design, tensors: dict[str, torch.Tensor], what: str) -> None:
    """Load an encoder from the state dict of an encoder, of a network that has one, or of a classifier of timm."""
    from .adaptation import repeat_kernels

    state = _of_encoder(tensors) or tensors
    own, timm_name = network.encoder.state_dict(), name_in_timm(network.encoder)
    try:
        if timm_name is not None:
            state = read_as_timm(timm_name, own, state)
        if any(own[name].shape != state[name].shape for name in own.keys() & state.keys()):
            _fit_bands(state, network, design, lambda kernels: repeat_kernels(kernels, len(design.bands)))
        network.encoder.load_state_dict(state)
    except _FAULTS as error:
        raise _misfit(what, design.encoder, error) from error


def _fill_encoder_from_model(network: torch.nn.Module, design: Design, card: Card, path: str, report: Report) -> None:
    from .adaptation import adapt_bands, plain_names

    if NO_ENCODER in (card.encoder, design.encoder):
        raise ModelError(
            f"{path} is a {card.architecture} with the encoder {card.encoder}, from which a {design.architecture} with "
            f"{design.encoder} can take nothing.",
            f"Set ARCHITECTURE to {card.architecture}, or WEIGHTS to {NO_WEIGHTS}.",
        )
    if card.encoder != design.encoder:
        raise ModelError(
            f"{path} has the encoder {card.encoder}, not {design.encoder}.", f"Set ENCODER to {card.encoder}."
        )
    if (card.architecture, card.encoder) in _OWN_ENCODERS:
        raise ModelError(
            f"{path} is a {card.architecture} with {card.encoder}, whose encoder has a layer more than that of other "
            f"networks, so that a {design.architecture} cannot take it.",
            f"Set ARCHITECTURE to {card.architecture}, or WEIGHTS to {NO_WEIGHTS}, {IMAGENET} or another file.",
        )
    state, bands = _of_encoder(read_tensors(path)), tuple(band.name for band in card.bands)
    try:
        if plain_names(bands) != plain_names(design.bands):
            _fit_bands(state, network, design, lambda kernels: adapt_bands(kernels, bands, design.bands))
        network.encoder.load_state_dict(state)
    except _FAULTS as error:
        raise _misfit(f"weights in {path}", design.encoder, error) from error
    _tell("bands", bands, design.bands, report)


def _fit_bands(
    state: dict[str, torch.Tensor],
    network: torch.nn.Module,
    design: Design,
    change: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    """Change in the state dict of an encoder, in place, the kernels of all convolutions that see the bands."""
    from .adaptation import MORE_BANDS

    sizes = len(design.bands) + MORE_BANDS, len(design.classes)
    larger = build_network(design.architecture, design.encoder, *sizes, tried=True).encoder.state_dict()
    for name, own in network.encoder.state_dict().items():
        if name in state and own.shape != larger[name].shape:
            state[name] = change(state[name])


def _learn_on(network: torch.nn.Module, design: Design, card: Card, path: str, report: Report) -> str:
    from .adaptation import MORE_BANDS, MORE_CLASSES, Names, adapt

    state = read_tensors(path)
    before = Names(tuple(band.name for band in card.bands), card.classes.names)
    after = Names(design.bands, design.classes)
    same = before.plain() == after.plain()
    try:
        if not same:
            sizes = len(after.bands) + MORE_BANDS, len(after.classes) + MORE_CLASSES
            larger = build_network(design.architecture, design.encoder, *sizes, tried=True).state_dict()
            state = adapt(state, network.state_dict(), larger, before, after)
        network.load_state_dict(state)
    except _FAULTS as error:
        raise _misfit(f"weights in {path}", design.architecture, error) from error
    _tell("bands", before.bands, after.bands, report)
    _tell("classes", before.classes, after.classes, report)
    return f"{'all' if same else 'adapted'} weights from {path}"


def _tell(what: str, before: Sequence[str], after: Sequence[str], report: Report) -> None:
    """Tell what is new, if the names differ in more than their letters' size."""
    from .adaptation import plain_names

    had, has = plain_names(before), plain_names(after)
    if had == has:
        return
    kinds = {
        "kept": [name for name, plain in zip(after, has, strict=True) if plain in had],
        "new": [name for name, plain in zip(after, has, strict=True) if plain not in had],
        "left out": [name for name, plain in zip(before, had, strict=True) if plain not in has],
    }
    each = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
    report.note(f"The {what} of WEIGHTS are others: {each}")


def _of_encoder(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(_ENCODER): tensor for name, tensor in tensors.items() if name.startswith(_ENCODER)}


def _misfit(what: str, name: str, error: Exception) -> ModelError:
    # The first line of torch's error names the class alone, the last one what does not fit.
    said = (str(error).strip() or type(error).__name__).splitlines()[-1].strip().rstrip(".")
    return ModelError(
        f"The {what} do not fit {name}: {textwrap.shorten(said, _LONGEST_REASON, placeholder=' ..')}.",
        f"Give the state dict of a {name} or a GeoSeg model with it.",
    )
