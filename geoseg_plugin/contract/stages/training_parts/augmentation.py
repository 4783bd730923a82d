"""How tiles are varied while a network learns from them."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage


@dataclass(frozen=True, init=False, repr=False, eq=False)
class VariesTiles(Stage):
    """The ways in which image and label are varied, both alike."""

    augment: bool = ask(
        Kind.FLAG, "Augment", "Vary the tiles as the parameters from FLIPS to CUTMIX say; off, none of them counts.",
        default=True,
    )  # fmt: skip
    flips: bool = ask(Kind.FLAG, "Flips", "Mirror tiles, half of them each way.", default=True, advanced=True)
    quarter_turns: bool = ask(
        Kind.FLAG, "Quarter turns", "Turn tiles by 0, 90, 180 or 270 degrees.", default=True, advanced=True
    )
    rotation: float = ask(
        Kind.NUMBER, "Rotation", "Turn half of the tiles freely, by this much at most; corners are filled with the "
        "mirror image. The others stay as sharp as they are.", default=45.0, minimum=0, maximum=180, unit="degrees",
        advanced=True,
    )  # fmt: skip
    scale: float = ask(
        Kind.NUMBER, "Scale", "Enlarge or reduce the same half of the tiles by this much at most: 50 means "
        "1 / 1.5 to 1.5 times.", default=50.0, minimum=0, maximum=300, unit="%", advanced=True,
    )  # fmt: skip
    crop: int | None = ask(
        Kind.NUMBER, "Crop", "Side of a part of the tile, chosen by chance, that is shown in its place; 0 shows all. "
        "By default half of tiles of 512 pixels or more, and all of smaller ones.", optional=True, integer=True,
        minimum=0, maximum=4096, unit="pixels", advanced=True,
    )  # fmt: skip
    brightness: float = ask(
        Kind.NUMBER, "Brightness", "Add this much at most, for all bands together and half as much for each alone.",
        default=0.3, minimum=0, maximum=5, unit="standard deviations", advanced=True,
    )  # fmt: skip
    contrast: float = ask(
        Kind.NUMBER, "Contrast", "Stretch or squeeze values around their mean by this much at most, likewise.",
        default=30.0, minimum=0, maximum=90, unit="%", advanced=True,
    )  # fmt: skip
    gamma: float = ask(
        Kind.NUMBER, "Gamma", "Bend the curve of values, between the extremes of the tile, by an exponent of up to "
        "1 + GAMMA / 100 or down to its inverse, likewise.", default=0.0, minimum=0, maximum=300, unit="%",
        advanced=True,
    )  # fmt: skip
    noise: float = ask(
        Kind.NUMBER, "Noise", "Add noise to every pixel, of a strength of up to this.", default=0.0, minimum=0,
        maximum=5, unit="standard deviations", advanced=True,
    )  # fmt: skip
    blur: float = ask(
        Kind.NUMBER, "Blur", "Blur the image by a Gaussian with a standard deviation of up to this.", default=0.0,
        minimum=0, maximum=20, unit="pixels", advanced=True,
    )  # fmt: skip
    cutout: int = ask(
        Kind.NUMBER, "Cutout", "Hide this many squares of the image, whose labels are kept.", default=0, integer=True,
        minimum=0, maximum=64, advanced=True,
    )  # fmt: skip
    cutout_size: float = ask(
        Kind.NUMBER, "Size of cutouts", "Side of these squares, of that of the tile.", default=12.5, minimum=1,
        maximum=100, unit="%", advanced=True,
    )  # fmt: skip
    mixup: float = ask(
        Kind.NUMBER, "Mixup", "Share of the steps in which each tile is blended with another, and so is their loss.",
        default=0.0, minimum=0, maximum=100, unit="%", advanced=True,
    )  # fmt: skip
    cutmix: float = ask(
        Kind.NUMBER, "Cutmix", "Share of the steps in which a rectangle of each tile, with its label, is another's, "
        "or what MIXUP leaves of them.", default=50.0, minimum=0, maximum=100, unit="%", advanced=True,
    )  # fmt: skip
