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
        advice: One line: what it is good for; "slow" where it takes twice the time of U-Net, or more.
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
INCLUDED = "tu-tf_efficientnet_lite0"  # the encoder whose weights come with the engine
REPLACED = _RESNET  # the one that it stands in for, where the encoder is not chosen and there are to be weights
_MOBILE = "mobilenet_v2"
_VIT = "tu-vit_tiny_patch16_224"

NETWORKS: Tuple[Network, ...] = (
    Network("unet", "U-Net", "a sound start for everything.", 14_328_354, _RESNET),
    Network("unetplusplus", "U-Net++", "finer borders than U-Net, three times as slow.", 15_970_594, _RESNET),
    Network("manet", "MA-Net", "U-Net with attention; for objects of many sizes.", 21_675_618, _RESNET),
    Network("linknet", "LinkNet", "a light U-Net; quick; good for weak machines.", 11_663_810, _RESNET),
    Network("fpn", "FPN", "for objects of many sizes; quick, with softer borders.", 13_047_362, _RESNET),
    Network("pspnet", "PSPNet", "for large fields; quickest; coarse; uses half of its encoder.", 11_334_434, _RESNET),
    Network("pan", "PAN", "a light pyramid with attention; tiles of 128 pixels or more.", 11_367_945, _RESNET),
    Network("deeplabv3", "DeepLabV3", "sees far around each pixel; slow, with soft borders.", 15_899_202, _RESNET),
    Network("deeplabv3plus", "DeepLabV3+", "sees far and keeps borders; good with mobilenet_v2.", 12_329_554, _RESNET),
    Network("upernet", "UPerNet", "strong with large encoders and many tiles; slow.", 19_491_778, _RESNET),
    Network("segformer", "SegFormer", "made for the mit encoders; sees the whole tile.", 3_714_658, "mit_b0"),
    Network("dpt", "DPT", "for vision transformers; needs pretrained weights; slow.", 34_686_786, _VIT),
    Network("lw-refinenet", "Light-Weight RefineNet", "few weights, small files; quick as U-Net.", 3_240_770, _MOBILE),
    Network("gscnn", "Gated-SCNN", "learns borders too: buildings, parcels; slow, much memory.", 16_772_911, _RESNET),
    Network("cloudxnet", "CloudX-Net", "made for clouds; slow, much memory.", 19_488_114, NO_ENCODER),
    Network("satellite-unet", "Satellite U-Net", "for roofs; small file; slow, much memory.", 1_612_578, NO_ENCODER),
    Network("slump-unet", "Slump U-Net", "made for thaw slumps; slowest, much memory.", 31_384_770, NO_ENCODER),
)  # fmt: skip
NETWORK: Dict[str, Network] = {network.name: network for network in NETWORKS}

# The encoders of the list, and their size in trainable parameters for 3 bands.
ENCODERS: Dict[str, int] = {
    # Residual networks: good for everything.
    "resnet18": 11_176_512, "resnet34": 21_284_672, "resnet50": 23_508_032, "resnet101": 42_500_160,
    "resnet152": 58_143_808, "resnext50_32x4d": 22_979_904, "resnext101_32x8d": 86_742_336, "se_resnet50": 26_039_024,
    "se_resnext50_32x4d": 25_510_896, "tu-resnest50d": 25_434_240, "tu-res2net50_26w_4s": 23_650_120,
    "tu-regnety_032": 17_923_338,
    # Small and quick ones. The weights of the first come with the engine.
    INCLUDED: 2_958_848, "mobilenet_v2": 2_223_872, "timm-mobilenetv3_large_100": 2_971_952,
    "tu-mobilenetv4_conv_medium": 7_203_152,
    # Much for their size, and slow for it.
    "efficientnet-b0": 4_007_548, "efficientnet-b1": 6_513_184, "efficientnet-b2": 7_700_994,
    "efficientnet-b3": 10_696_232, "efficientnet-b4": 17_548_616, "efficientnet-b5": 28_340_784,
    "efficientnet-b7": 63_786_960, "tu-tf_efficientnetv2_s": 19_847_248,
    # Others that only convolve.
    "densenet121": 6_953_856, "densenet169": 12_484_480, "vgg16_bn": 14_723_136, "xception": 20_806_952,
    "dpn68": 11_778_602, "tu-hrnet_w18": 10_948_180, "tu-convnext_tiny": 27_818_592, "tu-convnext_small": 49_453_152,
    # Transformers: better with pretrained weights. The last three are for dpt alone.
    "mit_b0": 3_319_392, "mit_b1": 13_151_424, "mit_b2": 24_196_288, "mit_b3": 44_072_128, "mit_b4": 60_842_688,
    "mit_b5": 81_443_008, "tu-vit_tiny_patch16_224": 5_524_032, "tu-vit_small_patch16_224": 21_664_896,
    "tu-vit_base_patch16_224": 85_797_120,
}  # fmt: skip
