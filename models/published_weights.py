"""Weights of encoders that others have trained on photographs and published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..geoseg_plugin.contract.errors import GeosegError, RequestError, first_line
from ..geoseg_plugin.contract.events import Report
from ..geoseg_plugin.contract.networks import INCLUDED

if TYPE_CHECKING:
    import torch

IMAGENET = "imagenet"
_FILE = "model.safetensors"
_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class _Place:
    """A repository of huggingface.co that holds weights in the file _FILE, and its revision."""

    repository: str
    revision: str

    @property
    def url(self) -> str:
        return f"https://huggingface.co/{self.repository}/resolve/{self.revision}/{_FILE}"


def fetch_imagenet(encoder: str, timm_name: str | None, report: Report) -> str:
    """Return the path of an encoder's imagenet weights, downloaded once into the cache of huggingface_hub.

    Args:
        encoder: Its name.
        timm_name: Its name in timm, None where it is not from there.
        report: Hears of a download before it starts.

    Raises:
        RequestError: Nobody has published such weights.
        GeosegError: The weights cannot be downloaded.
    """
    from httpx2 import HTTPError
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    place = _place(encoder) if timm_name is None else _place_of_timm(timm_name)
    if place is None:
        raise RequestError(
            f"There are no imagenet weights of {encoder} to download.",
            "Set WEIGHTS to none, give a .safetensors file, or choose another encoder.",
        )
    cached = try_to_load_from_cache(place.repository, _FILE, revision=place.revision)
    if isinstance(cached, str):
        return cached
    report.note(f"Downloading the imagenet weights of {encoder}, once: {place.url}")
    try:
        # The download itself tries for half a minute where there is no internet.
        get_hf_file_metadata(hf_hub_url(place.repository, _FILE, revision=place.revision), timeout=_PATIENCE)
        return str(hf_hub_download(place.repository, _FILE, revision=place.revision))
    except (OSError, HTTPError, HfHubHTTPError) as error:
        raise GeosegError(
            f"The imagenet weights of {encoder} cannot be downloaded: {first_line(error)}.",
            f"Download {place.url} on a machine with internet and give the path of that file as WEIGHTS; or take the "
            f"encoder {INCLUDED}, whose weights come with the engine, where the network allows it.",
        ) from error


def name_in_timm(module: torch.nn.Module) -> str | None:
    """Return the name in timm of an encoder, None where it is not from there."""
    from segmentation_models_pytorch.encoders import TimmUniversalEncoder, TimmViTEncoder

    return str(module.name) if isinstance(module, (TimmUniversalEncoder, TimmViTEncoder)) else None


def read_as_timm(name: str, wanted: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the part of a classifier of timm that an encoder takes, by the encoder's names.

    Args:
        name: Of the model in timm.
        wanted: The encoder's own state dict.
        state: That of the classifier, in timm's names of today or of the past, or in those of its authors.

    Raises:
        RuntimeError, LookupError, AttributeError, ValueError: It is not that of such a model.
    """
    import timm

    found = _find(wanted, state)
    if len(found) == len(wanted):
        others = {_plain(one) for one in state} - {_plain(one) for one in wanted}
        # What a larger relative has more of is in no classifier of this name either.
        if not others or others <= {_plain(one) for one in timm.create_model(name).state_dict()}:
            return found
    model = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"state_dict": dict(state)})
    return _find(wanted, model.state_dict())


def _find(wanted: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    given = {_plain(name): tensor for name, tensor in state.items()}
    return {name: given[_plain(name)] for name in wanted if _plain(name) in given}


def _plain(name: str) -> str:
    """Return the name of a tensor without what wrapping a model for its features does to it."""
    plain = name.replace(".", "_")
    while plain.startswith("model_"):
        plain = plain.removeprefix("model_")
    return plain


def _place(encoder: str) -> _Place | None:
    from segmentation_models_pytorch.encoders import encoders

    kinds = encoders[encoder]["pretrained_settings"]
    kind = next((kind for kind in kinds if kind.startswith(IMAGENET)), None)
    return None if kind is None else _Place(kinds[kind]["repo_id"], kinds[kind]["revision"])


def _place_of_timm(name: str) -> _Place | None:
    from timm.models import get_pretrained_cfg

    settings = get_pretrained_cfg(name)
    return _Place(settings.hf_hub_id, "main") if settings is not None and settings.hf_hub_id else None
