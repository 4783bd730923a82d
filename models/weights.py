"""What training starts from: random weights, those of an encoder, or a model of GeoSeg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import ModelError, RequestError, first_line
from ..geoseg_plugin.contract.events import Report
from ..geoseg_plugin.contract.networks import NO_ENCODER
from .card import Card
from .catalog import build_network
from .file import CARD_KEY, ONNX_SUFFIX, read_tensors, safetensors_metadata
from .published_weights import IMAGENET, fetch_imagenet, name_in_timm, read_as_timm

if TYPE_CHECKING:
    import torch

NO_WEIGHTS = "none"

_ENCODER = "encoder."


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
        weights: "none" (random), "imagenet" (of the encoder, downloaded once), or the path of a .safetensors file,
            which is either the state dict of an encoder or a GeoSeg model. A model with the same encoder and another
            architecture gives its encoder; with the same architecture it gives everything, where bands or classes are
            others as `adaptation.adapt` has it. Of encoders without names of bands the first convolution is adapted as
            `adaptation.repeat_kernels` does.
        report: Hears of a download, and which classes and bands are new.

    Returns:
        What was taken, in words for the log.

    Raises:
        RequestError: There is no file `weights`, or the network has no encoder to take them.
        ModelError: The weights do not fit.
        GeosegError: The imagenet weights cannot be downloaded.
    """
    if weights.lower() == NO_WEIGHTS:
        return "random weights"
    if weights.lower() == IMAGENET:
        _need_encoder(design, f"WEIGHTS is {IMAGENET}")
        path = fetch_imagenet(design.encoder, name_in_timm(network.encoder), report)
        _fill_encoder(network.encoder, design, path)
        return f"{IMAGENET} weights of the encoder"
    _check_file(weights)
    card_text = safetensors_metadata(weights).get(CARD_KEY)
    if card_text is None:
        _need_encoder(design, f"{weights} is no model of GeoSeg")
        _fill_encoder(network.encoder, design, weights)
        return f"encoder weights from {weights}"
    card = Card.from_text(card_text, weights)
    if (card.architecture, card.encoder) == (design.architecture, design.encoder):
        _learn_on(network, design, card, weights, report)
        return f"all weights from {weights}"
    _fill_encoder_from_model(network, design, card, weights)
    return f"encoder weights from {weights}"


def _check_file(weights: str) -> None:
    if not Path(weights).is_file():
        raise RequestError(
            f"WEIGHTS is '{weights}', which is neither {NO_WEIGHTS}, {IMAGENET} nor an existing file.",
            f"Write {NO_WEIGHTS} or {IMAGENET}, or give the path of a .safetensors file.",
        )
    if Path(weights).suffix.lower() == ONNX_SUFFIX:
        raise ModelError(
            f"WEIGHTS is {weights}, an ONNX model, which cannot learn on.",
            "Give the .safetensors model that it was exported from.",
        )


def _need_encoder(design: Design, what: str) -> None:
    if design.encoder == NO_ENCODER:
        raise RequestError(
            f"{what}, and {design.architecture} has no encoder that could take weights.",
            f"Set WEIGHTS to {NO_WEIGHTS} or to a model of GeoSeg with {design.architecture}, or choose a network with "
            "an encoder, such as unet.",
        )


def _fill_encoder(module: torch.nn.Module, design: Design, path: str) -> None:
    """Load an encoder from the file of an encoder, of a network that has one, or of a classifier of timm."""
    from .adaptation import repeat_kernels

    tensors = read_tensors(path)
    state = _of_encoder(tensors) or tensors
    timm_name = name_in_timm(module)
    if timm_name is not None:
        state = read_as_timm(timm_name, module.state_dict(), state)
    stem = _first_convolution(module)
    if stem in state and state[stem].shape[1] != len(design.bands):
        state[stem] = repeat_kernels(state[stem], len(design.bands))
    _load(module, state, path, design.encoder)


def _fill_encoder_from_model(network: torch.nn.Module, design: Design, card: Card, path: str) -> None:
    from .adaptation import adapt_bands

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
    state = _of_encoder(read_tensors(path))
    stem = _first_convolution(network.encoder)
    if stem in state:
        state[stem] = adapt_bands(state[stem], [band.name for band in card.bands], design.bands)
    _load(network.encoder, state, path, design.encoder)


def _learn_on(network: torch.nn.Module, design: Design, card: Card, path: str, report: Report) -> None:
    from .adaptation import MORE_BANDS, MORE_CLASSES, Names, adapt

    state = read_tensors(path)
    before = Names(tuple(band.name for band in card.bands), card.classes.names)
    after = Names(design.bands, design.classes)
    if before != after:
        sizes = len(after.bands) + MORE_BANDS, len(after.classes) + MORE_CLASSES
        larger = build_network(design.architecture, design.encoder, *sizes).state_dict()
        try:
            state = adapt(state, network.state_dict(), larger, before, after)
        except (IndexError, RuntimeError) as error:
            raise _misfit(path, design.architecture, error) from error
        _tell("bands", before.bands, after.bands, report)
        _tell("classes", before.classes, after.classes, report)
    _load(network, state, path, design.architecture)


def _tell(what: str, before: tuple[str, ...], after: tuple[str, ...], report: Report) -> None:
    if before == after:
        return
    kinds = {
        "kept": [name for name in after if name in before],
        "new": [name for name in after if name not in before],
        "left out": [name for name in before if name not in after],
    }
    each = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
    report.note(f"The {what} of WEIGHTS are others: {each}")


def _of_encoder(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(_ENCODER): tensor for name, tensor in tensors.items() if name.startswith(_ENCODER)}


def _first_convolution(module: torch.nn.Module) -> str:
    """Return the name of the weights that see the bands."""
    from torch.nn import Conv2d

    return next(f"{name}.weight" for name, part in module.named_modules() if isinstance(part, Conv2d))


def _load(module: torch.nn.Module, state: dict[str, torch.Tensor], path: str, name: str) -> None:
    try:
        module.load_state_dict(state)
    except (RuntimeError, KeyError) as error:
        raise _misfit(path, name, error) from error


def _misfit(path: str, name: str, error: Exception) -> ModelError:
    reason = first_line(error) if len(str(error).splitlines()) < 2 else str(error).splitlines()[-1].strip()
    return ModelError(
        f"The weights in {path} do not fit {name}: {reason[:120]} ...",
        f"Give the state dict of a {name} or a GeoSeg model with it.",
    )
