"""How a prediction goes over an image."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage

HANN, LINEAR, GAUSSIAN, SPLINE, CROP = "hann", "linear", "gaussian", "spline", "none"
BLENDINGS = {
    HANN: "half a sine squared: smooth everywhere.",
    LINEAR: "a pyramid.",
    GAUSSIAN: "a bell that counts the middle most.",
    SPLINE: "a quadratic spline: nearly flat in the middle.",
    CROP: "no blending: each pixel is of the window whose middle is nearest.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class GoesByWindows(Stage):
    """The size of the windows, and how they are joined."""

    overlap: float = ask(
        Kind.NUMBER, "Overlap", "How much neighbouring windows share.", default=25.0, minimum=0, maximum=75, unit="%"
    )
    blending: str = ask(
        Kind.CHOICE, "Blending", "How much a window counts from its middle to its border, where others overlap it.",
        default=HANN, choices=tuple(BLENDINGS), notes=tuple(BLENDINGS.values()), advanced=True,
    )  # fmt: skip
    tile_size: int = ask(
        Kind.NUMBER, "Window size (0: the model's)", "Side of the windows.", default=0, integer=True, minimum=0,
        maximum=8192, unit="pixels", advanced=True,
    )  # fmt: skip
    batch_size: int = ask(
        Kind.NUMBER, "Batch size (0: automatic)", "Windows per step.", default=0, integer=True, minimum=0, maximum=4096,
        advanced=True,
    )  # fmt: skip
