"""How many opinions a prediction asks for."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ..stage import Stage

AS_IT_IS, FLIPS, DIHEDRAL = "none", "flips", "dihedral"
VARIATIONS = {
    AS_IT_IS: "each window once, as it is.",
    FLIPS: "also mirrored, both ways: 4 times the work.",
    DIHEDRAL: "also mirrored and turned: 8 times the work.",
}
MEAN, VOTES = "mean", "votes"
ENSEMBLES = {
    MEAN: "the mean of the probabilities.",
    VOTES: "the share of the models that would choose a class counts as its probability.",
}
_LEAST_SCALE, _LARGEST_SCALE = 0.25, 4.0


@dataclass(frozen=True, init=False, repr=False, eq=False)
class AsksForOpinions(Stage):
    """Variations of each window, and further models."""

    test_time_augmentation: str = ask(
        Kind.CHOICE, "Test-time augmentation", "Show the network variations of each window, and take the mean of its "
        "answers, turned back.", default=AS_IT_IS, choices=tuple(VARIATIONS), notes=tuple(VARIATIONS.values()),
        advanced=True,
    )  # fmt: skip
    scales: str | None = ask(
        Kind.TEXT, "Scales", "Show each window also enlarged or reduced, by these factors (0.25 to 4), separated by "
        "commas: 0.75, 1, 1.25.", optional=True, advanced=True,
    )  # fmt: skip
    further_models: tuple[str, ...] = ask(
        Kind.LAYERS, "Further models", "Models with the same classes that answer together with MODEL.", optional=True,
        accepts="file", suffixes=(".safetensors", ".onnx"), advanced=True,
    )  # fmt: skip
    ensemble: str = ask(
        Kind.CHOICE, "Ensemble", "What becomes of the answers of several models.", default=MEAN,
        choices=tuple(ENSEMBLES), notes=tuple(ENSEMBLES.values()), advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """Factors that can be read."""
        super().check()
        if self.scales:
            read_scales(self.scales)


def read_scales(text: str) -> tuple[float, ...]:
    """Return the factors that SCALES gives.

    Raises:
        RequestError: The text cannot be read, or a factor is out of range.
    """
    try:
        scales = tuple(float(part) for part in text.split(","))
    except ValueError:
        scales = ()
    if not scales or not all(_LEAST_SCALE <= scale <= _LARGEST_SCALE for scale in scales):
        raise RequestError(
            f"SCALES is '{text}'.",
            f"Give factors from {_LEAST_SCALE} to {_LARGEST_SCALE:g}, separated by commas, such as 0.75, 1, 1.25.",
        )
    return scales
