"""Networks compiled by torch, where that saves more time than it takes.

Source: Ansel et al. 2024, PyTorch 2, https://doi.org/10.1145/3620665.3640366.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...contract.errors import GeosegError, first_line
from ...contract.stages.training_parts.machine import ALWAYS, NEVER
from .trial import Trial

_WORTH_TRYING_S, _WORTH_TRYING_STEPS = 20 * 60, 1000  # a trial alone may take a minute or two
_MARGIN = 1.2


@dataclass(frozen=True)
class Work:
    """What one process has to do: steps, tiles in each, the precision, and seconds at most (infinite without limit)."""

    steps: int
    tiles: int
    precision: str
    limit_s: float


def choose_compiling(asked: str, trial: Trial, work: Work) -> tuple[bool, str]:
    """Return whether to compile the network, and why, in words; "" where nothing is to be said.

    Only long trainings are worth a trial. One that fails, as without a compiler, is no fault.

    Args:
        asked: One of the choices of COMPILE.
        trial: Of the network.
        work: The training.

    Raises:
        GeosegError: COMPILE is always, and the network cannot be compiled.
    """
    if asked == NEVER:
        return False, ""
    if asked == ALWAYS:
        try:
            trial.compiled_seconds(work.tiles, work.precision)
        except Exception as error:  # whatever torch and the compiler make of it
            raise GeosegError(
                f"The network cannot be compiled: {first_line(error)}.",
                "Set COMPILE to never; or install a C++ compiler (on Debian: apt install g++), or lower BATCH_SIZE "
                "where memory is too small.",
            ) from error
        return True, "Compiled, as asked."
    if work.steps < _WORTH_TRYING_STEPS or work.limit_s < _WORTH_TRYING_S:
        return False, ""
    try:
        plain_s = trial.seconds(work.tiles, work.precision)[work.precision]
        left_s = min(work.steps * plain_s, work.limit_s)
        if left_s < _WORTH_TRYING_S:
            return False, ""
        compiling_s, compiled_s = trial.compiled_seconds(work.tiles, work.precision)
    except Exception as error:  # noqa: BLE001 - training goes on without
        return False, f"Not compiled: {first_line(error)}."
    saved_s = left_s * (1 - compiled_s / plain_s)
    gain = f"a compiled network makes a step in {compiled_s / plain_s:.0%} of the time"
    if saved_s < _MARGIN * compiling_s:
        return False, f"Not compiled: {gain}, which is not worth {compiling_s:.0f} s of compiling."
    return True, f"Compiled: {gain}."


def compile_network(network: torch.nn.Module) -> None:
    """Compile a network in place; its weights keep their names. What cannot be compiled later runs as it is."""
    torch._dynamo.config.suppress_errors = True
    network.compile()
