"""Which network is trained, and what it starts from."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ...networks import AUTO, ENCODERS, INCLUDED, NETWORK, NETWORKS, REPLACED, millions
from ..stage import Stage, place_of

ARCHITECTURES = tuple(NETWORK)
ENCODER_CHOICES = (AUTO, *ENCODERS)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesNetwork(Stage):
    """The network and its first weights."""

    architecture: str = ask(
        Kind.CHOICE, "Architecture", "The network.", default="unet", choices=ARCHITECTURES,
        notes=tuple(network.line for network in NETWORKS),
    )  # fmt: skip
    encoder: str = ask(
        Kind.CHOICE, "Encoder", "The part of the network that sees; listed with its number of parameters.",
        default=AUTO, choices=ENCODER_CHOICES,
        notes=(
            "that of a model in WEIGHTS, or that which WEIGHTS auto or imagenet takes; else the usual one.",
            *(millions(size) for size in ENCODERS.values()),
        ),
    )  # fmt: skip
    other_encoder: str | None = ask(
        Kind.TEXT, "Other encoder",
        "Any other encoder of segmentation-models-pytorch, or tu- and the name of one of timm; replaces ENCODER.",
        optional=True, advanced=True,
    )  # fmt: skip
    weights: str = ask(
        Kind.TEXT, "Weights",
        "What training starts from: 'none', 'imagenet' (of the encoder), or the path of a .safetensors file that holds "
        "an encoder's weights, or is a model of GeoSeg, which then learns on, also with other classes or bands. 'auto' "
        f"is imagenet with {INCLUDED}, whose weights come with the engine, else none. With ENCODER auto, auto and "
        f"imagenet take {INCLUDED} in networks that usually have {REPLACED}.",
        default=AUTO,
    )  # fmt: skip

    def check(self) -> None:
        """No result may overwrite the weights that training starts from."""
        super().check()
        for parameter, path in self.paths(written=True):
            if place_of(self.weights) == place_of(path):
                raise RequestError(f"{parameter} would overwrite WEIGHTS ({path}).", "Choose another file to write.")
