"""How a network learns: optimiser, learning rate, and how long."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ..stage import Stage

ADAMW, ADAM, SGD, ADADELTA = "adamw", "adam", "sgd", "adadelta"
OPTIMIZERS = {
    ADAMW: "a sound start for everything; learning rates about 0.001.",
    ADAM: "as adamw, but WEIGHT_DECAY, about 0.0001, goes through the gradients.",
    SGD: "with MOMENTUM as Nesterov has it; learning rates about 0.05, WEIGHT_DECAY about 0.0005.",
    ADADELTA: "finds its own steps; learning rates up to 1.",
}
COSINE, POLY, ONE_CYCLE, PLATEAU, CONSTANT = "cosine", "poly", "one-cycle", "plateau", "constant"
SCHEDULES = {
    COSINE: "down half a cosine to 0.",
    POLY: "down to 0 as (1 - done) to the power of POWER.",
    ONE_CYCLE: "up for WARM_UP, 30 % where that is 0, from a 25th; then down to next to nothing.",
    PLATEAU: "a tenth of it whenever PLATEAU_EPOCHS bring no better loss on validation tiles.",
    CONSTANT: "always the same.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesSteps(Stage):
    """Epochs, optimiser and learning rate."""

    epochs: int = ask(
        Kind.NUMBER, "Epochs", "How often the network sees all training tiles, or EPOCH_TILES of them.",
        default=30, integer=True, minimum=1,
        maximum=100_000,
    )  # fmt: skip
    time_budget: float = ask(
        Kind.NUMBER, "Time budget", "End after this time, with a learning rate that has come down by then; 0 does all "
        "EPOCHS, however long.", default=0.0, minimum=0, maximum=100_000, unit="minutes", advanced=True,
    )  # fmt: skip
    patience: int = ask(
        Kind.NUMBER, "Patience", "End when so many epochs have brought no better one; 0 never does.", default=0,
        integer=True, minimum=0, maximum=100_000, unit="epochs", advanced=True,
    )  # fmt: skip
    batch_size: int = ask(
        Kind.NUMBER, "Batch size (0: automatic)", "Tiles per batch. Where memory is too small after all, a batch is "
        "put through in parts.", default=0, integer=True, minimum=0, maximum=4096, advanced=True,
    )  # fmt: skip
    accumulation: int = ask(
        Kind.NUMBER, "Accumulation", "Batches whose gradients are added up for one step.", default=1, integer=True,
        minimum=1, maximum=1024, unit="batches", advanced=True,
    )  # fmt: skip
    optimizer: str = ask(
        Kind.CHOICE, "Optimizer", "How steps follow from gradients.", default=ADAMW, choices=tuple(OPTIMIZERS),
        notes=tuple(OPTIMIZERS.values()), advanced=True,
    )  # fmt: skip
    learning_rate: float = ask(
        Kind.NUMBER, "Learning rate", "Highest step width of the optimizer.", default=0.001, minimum=1e-8, maximum=10,
        advanced=True,
    )  # fmt: skip
    find_learning_rate: bool = ask(
        Kind.FLAG, "Find the learning rate", "Try rising learning rates on a copy of the network first, for 60 to "
        "100 steps, and take a good one in place of LEARNING_RATE.", default=False, advanced=True,
    )  # fmt: skip
    schedule: str = ask(
        Kind.CHOICE, "Schedule", "How the learning rate changes while training.", default=COSINE,
        choices=tuple(SCHEDULES), notes=tuple(SCHEDULES.values()), advanced=True,
    )  # fmt: skip
    warm_up: float = ask(
        Kind.NUMBER, "Warm-up", "Share of the training in which the learning rate rises from nothing.", default=5.0,
        minimum=0, maximum=90, unit="%", advanced=True,
    )  # fmt: skip
    power: float = ask(Kind.NUMBER, "Power", "For SCHEDULE poly.", default=0.9, minimum=0.1, maximum=10, advanced=True)
    plateau_epochs: int = ask(
        Kind.NUMBER, "Plateau", "For SCHEDULE plateau.", default=10, integer=True, minimum=1, maximum=100_000,
        unit="epochs", advanced=True,
    )  # fmt: skip
    weight_decay: float = ask(
        Kind.NUMBER, "Weight decay", "How strongly weights are pulled towards 0.", default=0.01, minimum=0, maximum=10,
        advanced=True,
    )  # fmt: skip
    momentum: float = ask(
        Kind.NUMBER, "Momentum", "For OPTIMIZER sgd.", default=0.9, minimum=0, maximum=0.999, advanced=True
    )
    clip_gradients: float = ask(
        Kind.NUMBER, "Clip gradients", "Longest gradient of all weights together; 0 sets no limit.", default=1.0,
        minimum=0, maximum=1e6, advanced=True,
    )  # fmt: skip
    frozen_epochs: int = ask(
        Kind.NUMBER, "Frozen epochs", "First epochs in which the encoder stays as it is; for pretrained WEIGHTS.",
        default=0, integer=True, minimum=0, maximum=100_000, unit="epochs", advanced=True,
    )  # fmt: skip
    averaging: float = ask(
        Kind.NUMBER, "Averaging", "Share that a moving average (EMA) of the weights keeps of itself in each step, such "
        "as 0.999; it is this average that is measured and kept. 0 takes the weights themselves.", default=0.99,
        minimum=0, maximum=0.99999, advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """The encoder must not stay frozen to the end."""
        super().check()
        if self.frozen_epochs >= self.epochs:
            raise RequestError(
                f"FROZEN_EPOCHS is {self.frozen_epochs}, and EPOCHS only {self.epochs}.",
                "Give fewer FROZEN_EPOCHS, or more EPOCHS.",
            )
