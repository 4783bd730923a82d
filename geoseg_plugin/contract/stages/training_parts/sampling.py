"""Which tiles an epoch shows."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ..stage import Stage

EVERY, TARGET, BALANCED, HARD = "every tile", "target share", "class-balanced", "hard examples"
SAMPLINGS = {
    EVERY: "all tiles equally often.",
    TARGET: "TARGET_SHARE of the tiles of an epoch show a target class, and the others none.",
    BALANCED: "each class gets as many of the tiles of an epoch; for classes that few tiles show.",
    HARD: "tiles that the network gets wrong come more often, up to ten times as often as others.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesTiles(Stage):
    """How tiles are drawn for an epoch."""

    sampling: str = ask(
        Kind.CHOICE, "Sampling", "Which training tiles an epoch shows, always in an order of chance.", default=EVERY,
        choices=tuple(SAMPLINGS), notes=tuple(SAMPLINGS.values()), advanced=True,
    )  # fmt: skip
    target_share: float = ask(
        Kind.NUMBER, "Target share", "For SAMPLING target share: share of the tiles that show a target class, exactly.",
        default=50.0, minimum=0, maximum=100, unit="%", advanced=True,
    )  # fmt: skip
    target_classes: str | None = ask(
        Kind.TEXT, "Target classes",
        "For SAMPLING target share: names of classes, separated by commas; by default all but the first.",
        optional=True, advanced=True,
    )  # fmt: skip
    epoch_tiles: int = ask(
        Kind.NUMBER, "Tiles in an epoch", "How many tiles an epoch shows; 0 takes all that there are for training or, "
        "where CROP shows parts of them, as many parts as have all their pixels.", default=0, integer=True, minimum=0,
        maximum=10_000_000, advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """Target classes are for the sampling that has a target."""
        super().check()
        if self.target_classes is not None and self.sampling != TARGET:
            raise RequestError(
                f"TARGET_CLASSES is given, but SAMPLING is '{self.sampling}'.",
                f"Set SAMPLING to '{TARGET}', or leave TARGET_CLASSES empty.",
            )
