"""How probabilities become classes."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ...given_thresholds import DEFAULT_THRESHOLD, parse_given_thresholds
from ..stage import Stage

AUTO, MOST_PROBABLE, FIXED, OTSU, MEAN_VALUE, OF_CARD = "auto", "most probable", "fixed", "otsu", "mean", "card"
DECISIONS = {
    AUTO: "card where one model of two classes answers that was measured on validation tiles; else most probable.",
    MOST_PROBABLE: "the class with the highest probability.",
    FIXED: "classes must reach THRESHOLD.",
    OTSU: "classes must reach a threshold that parts the map's probabilities in two (Otsu).",
    MEAN_VALUE: "classes must reach the mean of their probability over the map.",
    OF_CARD: "classes must reach the thresholds that the model's card gives.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class DecidesOnClasses(Stage):
    """Smoothing and thresholds."""

    decision: str = ask(
        Kind.CHOICE, "Decision", "How a pixel gets its class. With thresholds it is the most probable one, but the "
        "first (the background), of those that reach theirs, and else the first.", default=AUTO,
        choices=tuple(DECISIONS), notes=tuple(DECISIONS.values()), advanced=True,
    )  # fmt: skip
    threshold: str = ask(
        Kind.TEXT, "Threshold", "For DECISION fixed: a probability for all classes, or one for each by name, such as "
        "'building=0.4, road=0.6'; classes without one are at 0.5.", default=str(DEFAULT_THRESHOLD),
        advanced=True,
    )  # fmt: skip
    smoothing: float = ask(
        Kind.NUMBER, "Smoothing", "Blur probabilities before the decision, by a Gaussian of this standard deviation. "
        "All results come from the blurred ones.", default=0.0, minimum=0, maximum=50, unit="pixels", advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """THRESHOLD must be readable, and given only where it is heeded."""
        super().check()
        every, named = parse_given_thresholds(self.threshold)
        if self.decision != FIXED and (named or every != DEFAULT_THRESHOLD):
            raise RequestError(
                f"THRESHOLD is '{self.threshold}', but DECISION '{self.decision}' does not heed it.",
                f"Set DECISION to {FIXED}, or leave THRESHOLD at {DEFAULT_THRESHOLD}.",
            )
