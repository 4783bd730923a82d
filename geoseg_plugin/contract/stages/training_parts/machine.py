"""What a training runs on."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage

AUTO, FLOAT32, BFLOAT16, FLOAT16 = "auto", "float32", "bfloat16", "float16"
PRECISIONS = {
    AUTO: "what the device gains from.",
    FLOAT32: "works everywhere.",
    BFLOAT16: "faster on GPUs, and on processors that have it.",
    FLOAT16: "for GPUs that have no bfloat16.",
}

WORTH_IT, NEVER, ALWAYS = "auto", "never", "always"
COMPILING = {
    NEVER: "as it is.",
    WORTH_IT: "where a trial, of a minute or two, shows that a long training gains more than it costs.",
    ALWAYS: "takes a minute or more before the first step, and a C++ compiler.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesMachine(Stage):
    """Devices, precision, and where chance starts."""

    precision: str = ask(
        Kind.CHOICE, "Precision", "Number format in which the network computes; weights stay float32.", default="auto",
        choices=tuple(PRECISIONS), notes=tuple(PRECISIONS.values()), advanced=True,
    )  # fmt: skip
    compile: str = ask(
        Kind.CHOICE, "Compile", "Whether torch compiles the network for the device first.", default=NEVER,
        choices=tuple(COMPILING), notes=tuple(COMPILING.values()), advanced=True,
    )  # fmt: skip
    device: str = ask(Kind.TEXT, "Device", "auto, cpu, cuda or cuda:N.", default="auto", advanced=True)
    devices: int = ask(
        Kind.NUMBER, "Devices", "GPUs that share the work, from DEVICE on; on the processor, processes that share it, "
        "which gain little. Each takes its part of every batch. torchrun joins GPUs of several machines.", default=1,
        integer=True, minimum=1, maximum=1024, advanced=True,
    )  # fmt: skip
    seed: int = ask(
        Kind.NUMBER, "Seed",
        "On the processor, with a fixed precision, the same seed trains the same model on the same machine.",
        default=42, integer=True, minimum=0, maximum=2**31 - 1, advanced=True,
    )  # fmt: skip
    resume: bool = ask(
        Kind.FLAG, "Go on where a run ended early", "Every epoch leaves a checkpoint beside MODEL, which goes when "
        "training comes to its end. A later run with the same values goes on from it, as if it had never ended.",
        default=False, advanced=True,
    )  # fmt: skip
