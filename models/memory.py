"""Memory that is used up, of a GPU or of the computer."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# What torch says of the computer, for which it has no error of its own; the second under Windows.
_SAID = ("allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch tells of memory that is used up."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error).lower() for words in _SAID)


def release_memory(device: torch.device) -> None:
    """Give back what nothing holds any more, for another try with less."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
