"""Memory that is used up, of a GPU or of the computer."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

_T = TypeVar("_T")

# What torch says of the computer, for which it has no error of its own; the second under Windows.
_SAID = ("allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch tells of memory that is used up."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error).lower() for words in _SAID)


def within_memory(run: Callable[[], _T]) -> _T | None:
    """Return what `run` gives, None where memory is used up; nothing holds what it has made then.

    Raises:
        RuntimeError: It fails for another reason.
    """
    try:
        return run()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # Here, where the error is gone and with it all that its traceback keeps in memory.
    return None


def release_memory(device: torch.device) -> None:
    """Give back what nothing holds any more, for another try with less."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
