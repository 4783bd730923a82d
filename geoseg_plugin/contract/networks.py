"""The networks and encoders that can be chosen, with what a user must know to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

AUTO = "auto"
NO_ENCODER = "none"


@dataclass(frozen=True)
class Network:
    """One network of the catalogue.

    Attributes:
        name: Its name, as the parameter takes it.
        title: Its name in the literature.
        advice: One line: what it is good for.
        parameters: Its size with its usual encoder, for 3 bands and 2 classes, in trainable parameters.
        encoder: Its usual encoder, NO_ENCODER where it has none to choose.
    """

    name: str
    title: str
    advice: str
    parameters: int
    encoder: str

    @property
    def line(self) -> str:
        """Title, size and advice in one line."""
        usual = "" if self.encoder == NO_ENCODER else f" with {self.encoder}"
        return f"{self.title}, {millions(self.parameters)} parameters{usual}: {self.advice}"


def millions(parameters: int) -> str:
    """Return a number of parameters in words."""
    return f"{parameters / 1e6:.1f} million"


_RESNET = "resnet18"
_VIT = "tu-vit_tiny_patch16_224"

NETWORKS: Tuple[Network, ...] = (
    Network("unet", "U-Net", "a sound start for everything.", 14_328_354, _RESNET),
    Network("unetplusplus", "U-Net++", "finer borders than U-Net, twice as slow.", 0, _RESNET),
    Network("manet", "MA-Net", "U-Net with attention; for objects of many sizes.", 0, _RESNET),
    Network("linknet", "LinkNet", "a light U-Net; quick.", 0, _RESNET),
    Network("fpn", "FPN", "for objects of many sizes; quick, with softer borders.", 0, _RESNET),
    Network("pspnet", "PSPNet", "for large fields; the quickest, with coarse borders.", 0, _RESNET),
    Network("pan", "PAN", "a light pyramid with attention; tiles of 128 pixels or more.", 0, _RESNET),
    Network("deeplabv3", "DeepLabV3", "sees far around each pixel; slow, with soft borders.", 0, _RESNET),
    Network("deeplabv3plus", "DeepLabV3+", "sees far and keeps borders; good with mobilenet_v2.", 0, _RESNET),
    Network("upernet", "UPerNet", "strong with large encoders and many tiles.", 0, _RESNET),
    Network("segformer", "SegFormer", "made for the mit encoders; sees the whole tile.", 0, "mit_b0"),
    Network("dpt", "DPT", "for vision transformers; needs pretrained weights.", 0, _VIT),
    Network("lw-refinenet", "Light-Weight RefineNet", "small and quick; good for weak machines.", 0, "mobilenet_v2"),
    Network("gscnn", "Gated-SCNN", "learns borders too; for buildings and parcels; slow.", 0, _RESNET),
    Network("cloudxnet", "CloudX-Net", "made for clouds; large and slow.", 0, NO_ENCODER),
    Network("satellite-unet", "Satellite U-Net", "a narrow U-Net made for roofs; small.", 0, NO_ENCODER),
    Network("slump-unet", "Slump U-Net", "the wide U-Net, made for thaw slumps; slow.", 0, NO_ENCODER),
)  # fmt: skip
NETWORK: Dict[str, Network] = {network.name: network for network in NETWORKS}

# The encoders of the list, and their size in trainable parameters for 3 bands.
ENCODERS: Dict[str, int] = {
    "resnet18": 0, "resnet34": 0, "resnet50": 0, "resnet101": 0, "resnext50_32x4d": 0, "se_resnext50_32x4d": 0,
    "mobilenet_v2": 0, "efficientnet-b0": 0, "efficientnet-b1": 0, "efficientnet-b2": 0, "efficientnet-b3": 0,
    "efficientnet-b4": 0, "timm-mobilenetv3_large_100": 0, "densenet121": 0, "vgg16_bn": 0, "mit_b0": 0, "mit_b1": 0,
    "mit_b2": 0,
}  # fmt: skip
