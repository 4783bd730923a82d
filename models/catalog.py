"""Which networks can be built, and how they are built and given weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import GeosegError, ModelError, RequestError
from ..geoseg_plugin.contract.stages.training import ARCHITECTURES, ENCODERS
from .card import Card
from .file import CARD_KEY, read_tensors, safetensors_metadata

if TYPE_CHECKING:
    import torch

NO_WEIGHTS = "none"
IMAGENET = "imagenet"

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
_TIMM_REPOSITORIES = {"timm-mobilenetv3_large_100": "timm/tf_mobilenetv3_large_100.in1k"}
_SMALLEST_TILES = {"pan": 128}
SIDE_STEP = 32


def fitting_encoders(architecture: str) -> tuple[str, ...]:
    """Return the encoders that an architecture can be built with.

    Raises:
        RequestError: The architecture is not known.
    """
    if architecture not in ARCHITECTURES:
        raise RequestError(
            f"The architecture '{architecture}' is not known.", f"Choose one of: {', '.join(ARCHITECTURES)}."
        )
    return tuple(name for name in ENCODERS if name not in _NOT_FITTING.get(architecture, ()))


def smallest_tile(architecture: str) -> int:
    """Return the smallest side of an image, in pixels, that an architecture can work on."""
    return _SMALLEST_TILES.get(architecture, SIDE_STEP)


def network_side(pixels: int) -> int:
    """Return the next side of an image, in pixels, that networks can take: a multiple of SIDE_STEP."""
    return -(-pixels // SIDE_STEP) * SIDE_STEP


def build_network(architecture: str, encoder: str, bands: int, classes: int, weights: str) -> torch.nn.Module:
    """Build a network that turns (N, bands, H, W) float32 into logits (N, classes, H, W); H and W multiples of 32.

    Args:
        architecture: One of `contract.stages.training.ARCHITECTURES`.
        encoder: One of `fitting_encoders(architecture)`.
        bands: Number of input bands, 1 or more.
        classes: Number of classes K, 2 or more.
        weights: Weights of the encoder: "none" (random), "imagenet" (downloaded once), or the path of a .safetensors
            file, which is either the state dict of an encoder or a GeoSeg model with the same encoder. Where their
            number of bands differs, the first convolution is adapted.

    Returns:
        The network in training mode on the CPU, in float32.

    Raises:
        RequestError: The architecture or encoder is not known, they do not fit together, or there is no file `weights`.
        ModelError: The weights do not fit the encoder.
        GeosegError: The imagenet weights cannot be downloaded.
    """
    fitting = fitting_encoders(architecture)
    if encoder not in fitting:
        known = encoder in ENCODERS
        raise RequestError(
            f"The encoder '{encoder}' {f'does not fit {architecture}' if known else 'is not known'}.",
            f"For {architecture} choose one of: {', '.join(fitting)}.",
        )
    path = _weights_file(weights, encoder)
    import segmentation_models_pytorch as smp

    network: torch.nn.Module = smp.create_model(
        architecture, _CURRENT_NAMES.get(encoder, encoder), encoder_weights=None, in_channels=bands, classes=classes
    )
    if path is not None:
        _load_encoder(network.encoder, encoder, path)
    return network


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
