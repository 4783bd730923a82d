"""What a prediction runs on."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage
from ..training_parts.machine import PRECISIONS

QUICKEST, TORCH, ONNXRUNTIME = "auto", "torch", "onnxruntime"
BACKENDS = {
    QUICKEST: "the one that a short trial shows to be quicker, where the work is worth a trial.",
    TORCH: "runs .safetensors models.",
    ONNXRUNTIME: "runs .onnx models, and .safetensors models after turning them into one.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesRuntime(Stage):
    """Devices, number format and library."""

    device: str = ask(Kind.TEXT, "Device", "auto, cpu, cuda or cuda:N.", default="auto", advanced=True)
    devices: int = ask(
        Kind.NUMBER, "Devices", "GPUs that share the work, from DEVICE on; on the processor, processes that share it, "
        "which gain little. Each takes a part of the image. torchrun joins GPUs of several machines.", default=1,
        integer=True, minimum=1, maximum=1024, advanced=True,
    )  # fmt: skip
    precision: str = ask(
        Kind.CHOICE, "Precision", "Number format in which the network computes.", default="auto",
        choices=tuple(PRECISIONS), notes=tuple(PRECISIONS.values()), advanced=True,
    )  # fmt: skip
    backend: str = ask(
        Kind.CHOICE, "Backend", "The library that runs the network.", default=QUICKEST, choices=tuple(BACKENDS),
        notes=tuple(BACKENDS.values()), advanced=True,
    )  # fmt: skip


@dataclass(frozen=True, init=False, repr=False, eq=False)
class KeepsWhatIsDone(Stage):
    """Whether to go on."""

    resume: bool = ask(
        Kind.FLAG, "Keep what is done, and go on", "Keep what is finished when a run ends early, by a cancel, a crash "
        "or a power cut, beside OUTPUT; a later run with the same values goes on from it, and gives the same result.",
        default=False, advanced=True,
    )  # fmt: skip
