"""What training starts from: random weights, those of an encoder, or a model of GeoSeg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import GeosegError, ModelError, RequestError
from .card import Card
from .file import CARD_KEY, read_tensors, safetensors_metadata

if TYPE_CHECKING:
    import torch

NO_WEIGHTS = "none"
IMAGENET = "imagenet"

_TIMM_REPOSITORIES = {"timm-mobilenetv3_large_100": "timm/tf_mobilenetv3_large_100.in1k"}


@dataclass(frozen=True)
class Design:
    """What a network is built for: its architecture and encoder, and the names of its bands and classes in order."""

    architecture: str
    encoder: str
    bands: tuple[str, ...]
    classes: tuple[str, ...]


def give_weights(network: torch.nn.Module, design: Design, weights: str) -> str:
    """Load weights into a new network, in place.

    Args:
        network: From `catalog.build_network`.
        design: What it is built for.
        weights: "none" (random), "imagenet" (of the encoder, downloaded once), or the path of a .safetensors file,
            which is either the state dict of an encoder or a GeoSeg model with the same encoder. Where their number of
            bands differs, the first convolution is adapted.

    Returns:
        What was taken, in words for the log.

    Raises:
        RequestError: There is no file `weights`, or the network has no encoder to take them.
        ModelError: The weights do not fit.
        GeosegError: The imagenet weights cannot be downloaded.
    """
    path = _weights_file(weights, design.encoder)
    if path is None:
        return "random weights"
    _load_encoder(network.encoder, design.encoder, path)
    return f"encoder weights from {weights}"


def _weights_file(weights: str, encoder: str) -> str | None:
    """Return the file with the weights, None for random ones."""
    if weights.lower() == NO_WEIGHTS:
        return None
    if weights.lower() == IMAGENET:
        return _imagenet_file(encoder)
    if not Path(weights).is_file():
        raise RequestError(
            f"WEIGHTS is '{weights}', which is neither {NO_WEIGHTS}, {IMAGENET} nor an existing file.",
            f"Write {NO_WEIGHTS} or {IMAGENET}, or give the path of a .safetensors file.",
        )
    return weights


def _load_encoder(module: torch.nn.Module, encoder: str, path: str) -> None:
    card_text = safetensors_metadata(path).get(CARD_KEY)
    if card_text is not None:
        card = Card.from_text(card_text, path)
        if card.encoder != encoder:
            raise ModelError(
                f"{path} has the encoder {card.encoder}, not {encoder}.", f"Set ENCODER to {card.encoder}."
            )
    wanted = module.state_dict()
    state = _in_names_of(wanted, read_tensors(path))
    stem = _first_convolution(module)
    if stem in state:
        state[stem] = _with_bands(state[stem], wanted[stem].shape[1])
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {path} do not fit the encoder {encoder}: {str(error).splitlines()[-1].strip()[:120]} ...",
            f"Give the state dict of a {encoder} or a GeoSeg model with that encoder.",
        ) from error


def _in_names_of(wanted: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the encoder's part of a state dict: of a whole network, of an encoder, or as timm writes it."""
    part = {name.removeprefix("encoder."): tensor for name, tensor in state.items() if name.startswith("encoder.")}
    part = part or dict(state)
    if all(name.startswith("model.") for name in wanted):
        part = {f"model.{name.removeprefix('model.')}": tensor for name, tensor in part.items()}
        return {name: tensor for name, tensor in part.items() if name in wanted}
    return part


def _first_convolution(module: torch.nn.Module) -> str:
    from torch.nn import Conv2d

    return next(f"{name}.weight" for name, part in module.named_modules() if isinstance(part, Conv2d))


def _with_bands(weight: torch.Tensor, bands: int) -> torch.Tensor:
    """Return the kernels (F, C, h, w) for another number of bands: repeated in turn, with the same overall gain."""
    given = weight.shape[1]
    if given == bands:
        return weight
    return weight[:, [band % given for band in range(bands)]] * (given / bands)


def _imagenet_file(encoder: str) -> str:
    """Return the path of the encoder's imagenet weights, downloaded once into the cache of huggingface_hub."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError
    from segmentation_models_pytorch.encoders import encoders

    if encoder in _TIMM_REPOSITORIES:
        repository, revision = _TIMM_REPOSITORIES[encoder], "main"
    else:
        settings = encoders[encoder]["pretrained_settings"][IMAGENET]
        repository, revision = settings["repo_id"], settings["revision"]
    try:
        return str(hf_hub_download(repository, "model.safetensors", revision=revision))
    except (OSError, HfHubHTTPError) as error:
        raise GeosegError(
            f"The imagenet weights of {encoder} cannot be downloaded: {str(error).splitlines()[0].rstrip('.')}.",
            f"Download https://huggingface.co/{repository}/resolve/{revision}/model.safetensors on a machine with "
            "internet and give the path of that file as WEIGHTS.",
        ) from error
