"""Settings of published systems: what PRESET of *Train segmentation* can be, and which values each gives.

docs/presets.md tells where they differ from what their authors did, and why; a test holds its table equal to these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

NO_PRESET = "none"
ROOFS = "roofs"


@dataclass(frozen=True)
class Preset:
    """The settings of one system.

    Attributes:
        name: Its name, as the parameter takes it.
        note: One line: what it is for, and what it sets.
        source: Where the settings come from: the address of the system's code or manual.
        values: Plain values by field name of the stage; all others stay at their defaults.
    """

    name: str
    note: str
    source: str
    values: Dict[str, Any]


# What Keras does when it is told no more than optimizer and learning rate.
_PLAIN_STEPS: Dict[str, Any] = {
    "schedule": "constant", "warm_up": 0.0, "weight_decay": 0.0, "clip_gradients": 0.0, "averaging": 0.0,
}  # fmt: skip
_SAME_LIGHT: Dict[str, Any] = {"brightness": 0.0, "contrast": 0.0}
_SAME_SIZE: Dict[str, Any] = {"rotation": 0.0, "scale": 0.0}
_WHOLE: Dict[str, Any] = {"crop": 0, "cutmix": 0.0}
_AS_THEY_ARE: Dict[str, Any] = {"flips": False, "quarter_turns": False, **_SAME_SIZE, **_SAME_LIGHT, **_WHOLE}
_POLY: Dict[str, Any] = {
    "schedule": "poly", "power": 0.9, "warm_up": 0.0, "clip_gradients": 0.0, "averaging": 0.0,
}  # fmt: skip

PRESETS: Tuple[Preset, ...] = (
    Preset(
        "slumps",
        "thaw slumps and other land cover: slump-unet with Adadelta until 20 epochs are no better; 128 tiles a batch.",
        "https://github.com/nasa-nccs-hpda/slump-detection",
        {
            "architecture": "slump-unet", "loss": "cross entropy", "flips": True, "quarter_turns": True, **_SAME_SIZE,
            **_SAME_LIGHT, **_WHOLE, "epochs": 1000, "patience": 20, "batch_size": 128, "optimizer": "adadelta",
            "learning_rate": 1.0, **_PLAIN_STEPS,
        },
    ),
    Preset(
        "clouds",
        "clouds that must not be overlooked: unet with a VGG16 from imagenet, frozen for 3 of 30 epochs; loss f2.",
        "https://github.com/rodekruis/automated-cloud-detection",
        {
            "architecture": "unet", "encoder": "vgg16_bn", "weights": "imagenet", "loss": "f2", **_AS_THEY_ARE,
            "epochs": 30, "frozen_epochs": 3, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.0001,
            **_PLAIN_STEPS,
        },
    ),
    Preset(
        "clouds-cloudxnet",
        "clouds in 8-bit images: cloudxnet, loss jaccard, pixels / 255, 70 epochs of 2 tiles a batch; slow.",
        "https://github.com/shyamfec/CloudXNet",
        {
            "architecture": "cloudxnet", "loss": "jaccard", "scaling": "divide", "divisor": 255.0, **_AS_THEY_ARE,
            "epochs": 70, "batch_size": 2, "optimizer": "adam", "learning_rate": 0.0001, **_PLAIN_STEPS,
        },
    ),
    Preset(
        ROOFS,
        "roofs in 8-bit images: satellite-unet, loss binary cross entropy, pixels / 255, 50 epochs of 4 tiles a batch.",
        "https://github.com/akshatgoel92/roof-classify",
        {
            "architecture": "satellite-unet", "loss": "binary cross entropy", "scaling": "divide", "divisor": 255.0,
            "flips": True, "quarter_turns": False, "rotation": 0.0, "scale": 20.0, **_SAME_LIGHT, **_WHOLE,
            "epochs": 50, "patience": 10, "batch_size": 4, "optimizer": "adam", "learning_rate": 0.001, **_PLAIN_STEPS,
        },
    ),
    Preset(
        "radar-buildings",
        "buildings in Sentinel-1 VV and VH: small lw-refinenet, 30 % of the tiles with buildings, SGD, 100 epochs.",
        "https://github.com/vfdev-5/UNOSAT_Challenge",
        {
            "architecture": "lw-refinenet", "encoder": "mobilenet_v2", "loss": "cross entropy + 2 * jaccard",
            "sampling": "target share", "target_share": 30.0, "scaling": "divide", "divisor": 5.0, "flips": True,
            "quarter_turns": True, "rotation": 0.0, "scale": 12.0, **_SAME_LIGHT, **_WHOLE, "epochs": 100,
            "batch_size": 22, "accumulation": 2, "optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9,
            "weight_decay": 0.0005, **_POLY,
        },
    ),
    Preset(
        "radar-buildings-fpn",
        "the same in decibels: fpn, SE-ResNeXt50 from imagenet, half of the tiles with buildings, Adam, 75 epochs.",
        "https://github.com/vfdev-5/UNOSAT_Challenge",
        {
            "architecture": "fpn", "encoder": "se_resnext50_32x4d", "weights": "imagenet",
            "loss": "cross entropy + 2 * jaccard", "sampling": "target share", "target_share": 50.0, "flips": True,
            "quarter_turns": True, "rotation": 45.0, "scale": 12.0, **_SAME_LIGHT, **_WHOLE, "cutout": 4,
            "cutout_size": 12.5, "epochs": 75, "batch_size": 22, "accumulation": 2, "optimizer": "adam",
            "learning_rate": 0.001, "weight_decay": 0.0001, **_POLY,
        },
    ),
    Preset(
        "arcgis-pro",
        "classified tiles as in ArcGIS Pro: unet with a ResNet34 from imagenet, one cycle of 20 epochs, rate found.",
        "https://pro.arcgis.com/en/pro-app/latest/tool-reference/image-analyst/train-deep-learning-model.htm",
        {
            "architecture": "unet", "encoder": "resnet34", "weights": "imagenet", "loss": "cross entropy",
            "flips": True, "quarter_turns": True, "rotation": 0.0, "scale": 50.0, **_WHOLE,
            "brightness": 0.4, "contrast": 40.0, "epochs": 20, "frozen_epochs": 10, "patience": 5,
            "optimizer": "adamw", "weight_decay": 0.01, "find_learning_rate": True, "schedule": "one-cycle",
            "warm_up": 0.0, "clip_gradients": 0.0, "averaging": 0.0,
        },
    ),
)  # fmt: skip
PRESET: Dict[str, Preset] = {preset.name: preset for preset in PRESETS}
