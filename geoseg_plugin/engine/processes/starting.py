"""Whether several processes work on a run, found out without torch, which not every run needs."""

from __future__ import annotations

import os

from ...contract.stages.prediction_parts.machine import ChoosesRuntime
from ...contract.stages.training_parts.machine import ChoosesMachine

THREADS_VARIABLE = "OMP_NUM_THREADS"  # how many threads each process is to compute with

SharedStage = ChoosesMachine | ChoosesRuntime

# What torchrun tells the processes that it starts: https://docs.pytorch.org/docs/stable/elastic/run.html
_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def count_started() -> int:
    """Return how many processes torchrun has started for this run; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _TOLD) else 1


def is_shared(request: SharedStage) -> bool:
    """Tell whether several processes are to do what is asked for."""
    return request.devices > 1 or count_started() > 1
