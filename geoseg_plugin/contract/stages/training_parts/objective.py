"""What a training minimises."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ...given_weights import parse_given_weights
from ...loss_formula import SMOOTHED_LOSSES, Term, parse_losses
from ..stage import Stage

LOSSES = {
    "cross entropy + dice": "a sound start for everything.",
    "cross entropy": "every pixel alike; calm, but rare classes may drown.",
    "binary cross entropy": "each class against all others; with two classes the same.",
    "binary cross entropy + dice": "with two classes the same as the first.",
    "cross entropy + 2 * jaccard": "overlap counts more; for buildings in radar images.",
    "dice": "overlap of areas; for rare classes.",
    "jaccard": "overlap as IoU measures it.",
    "tversky": "as dice, but misses are worse than false alarms, 0.7 to 0.3.",
    "f1": "the same as dice.",
    "f2": "as dice, but misses are four times as bad: for what must not be overlooked.",
    "focal": "pixels that are nearly right count less.",
    "lovasz": "follows IoU itself; slower, good to finish with.",
}
UNWEIGHTED, GIVEN = "none", "given"
CLASS_WEIGHTS = {
    UNWEIGHTED: "all classes alike.",
    "inverse frequency": "1 / share of the pixels.",
    "median frequency": "1 / share of the pixels in those tiles that show the class.",
    "effective number": "1 / share for rare classes, nearly the same for all that are not.",
    GIVEN: "as GIVEN_WEIGHTS says.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesLoss(Stage):
    """The loss, and what classes and borders count in it."""

    loss: str = ask(
        Kind.CHOICE, "Loss", "What training minimises.", default="cross entropy + dice", choices=tuple(LOSSES),
        notes=tuple(LOSSES.values()),
    )  # fmt: skip
    loss_formula: str | None = ask(
        Kind.TEXT, "Loss formula",
        "A sum of losses with weights and arguments, such as 'cross entropy + 2 * f-beta(0.5)'; replaces LOSS. Those "
        "with arguments: focal(gamma), tversky(false positives, false negatives), f-beta(beta).",
        optional=True, advanced=True,
    )  # fmt: skip
    class_weights: str = ask(
        Kind.CHOICE, "Class weights",
        "What each class counts in the loss: more where it is rare in the training tiles, 1 in the mean.",
        default=UNWEIGHTED, choices=tuple(CLASS_WEIGHTS), notes=tuple(CLASS_WEIGHTS.values()),
        advanced=True,
    )  # fmt: skip
    given_weights: str | None = ask(
        Kind.TEXT, "Given weights", "For CLASS_WEIGHTS given: name=weight of each class, such as 'water=1, cloud=4.5'.",
        optional=True, advanced=True,
    )  # fmt: skip
    label_smoothing: float = ask(
        Kind.NUMBER, "Label smoothing",
        "For labels with errors: share of certainty that is taken from them and spread over all classes, in cross "
        "entropies and focal.",
        default=0.0, minimum=0, maximum=0.5, advanced=True,
    )  # fmt: skip
    border_weight: float = ask(
        Kind.NUMBER, "Border weight",
        "How much more pixels on the border between classes count in the loss: 1 + BORDER_WEIGHT at the border, "
        "falling evenly to 1 at BORDER_WIDTH. No border runs along ignored pixels.",
        default=0.0, minimum=0, maximum=100, advanced=True,
    )  # fmt: skip
    border_width: int = ask(
        Kind.NUMBER, "Border width", "How far from a border BORDER_WEIGHT reaches.", unit="pixels", default=4,
        integer=True, minimum=1, maximum=64, advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """Losses must be known, and one of them must heed smoothed labels where these are asked for.

        Weights of classes must be given where they are asked for, and only there.
        """
        super().check()
        heeded = any(term.loss in SMOOTHED_LOSSES for term in self.loss_terms())
        if self.label_smoothing and not heeded:
            raise RequestError(
                f"LABEL_SMOOTHING is {self.label_smoothing:g}, but '{self.loss_formula or self.loss}' cannot use it.",
                f"Set LABEL_SMOOTHING to 0, or add one of: {', '.join(SMOOTHED_LOSSES)}.",
            )
        if (self.class_weights == GIVEN) != (self.given_weights is not None):
            raise RequestError(
                f"CLASS_WEIGHTS is {self.class_weights}, and GIVEN_WEIGHTS is {self.given_weights or 'empty'}.",
                f"Give both CLASS_WEIGHTS {GIVEN} and GIVEN_WEIGHTS, or neither.",
            )
        if self.given_weights is not None:
            parse_given_weights(self.given_weights)

    def loss_terms(self) -> tuple[Term, ...]:
        """Return the losses that are summed up.

        Raises:
            RequestError: LOSS_FORMULA cannot be read.
        """
        return parse_losses(self.loss_formula or self.loss)
