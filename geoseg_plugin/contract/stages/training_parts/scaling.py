"""How pixel values become network input."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ..stage import Stage

STANDARDIZE, DIVIDE, STRETCH = "standardize", "divide", "stretch"
SCALINGS = {
    STANDARDIZE: "each band to mean 0 and standard deviation 1, over the training tiles; sound for every image.",
    DIVIDE: "network input is pixel / DIVISOR, alike in all bands, such as 255 for 8 bits.",
    STRETCH: "each band from 0 to 1, its lowest and highest pixel in the training tiles.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ScalesPixels(Stage):
    """What the network sees of a pixel; kept in the model's card, so that prediction does the same."""

    scaling: str = ask(
        Kind.CHOICE, "Scaling", "How pixel values become network input, in training and later in prediction.",
        default=STANDARDIZE, choices=tuple(SCALINGS), notes=tuple(SCALINGS.values()), advanced=True,
    )  # fmt: skip
    divisor: float | None = ask(
        Kind.NUMBER, "Divisor", "For SCALING divide.", optional=True, minimum=1e-6, maximum=1e9, advanced=True
    )

    def check(self) -> None:
        """The divisor is for the scaling that divides."""
        super().check()
        if (self.scaling == DIVIDE) != (self.divisor is not None):
            given = "empty" if self.divisor is None else f"{self.divisor:g}"
            raise RequestError(
                f"SCALING is '{self.scaling}', and DIVISOR is {given}.",
                f"Give both SCALING '{DIVIDE}' and DIVISOR, such as 255 for 8 bits, or neither.",
            )
