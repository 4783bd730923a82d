"""The device that networks run on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..contract.errors import GeosegError, RequestError

if TYPE_CHECKING:
    import torch


def is_auto(text: str) -> bool:
    """Return whether DEVICE leaves the choice to the engine."""
    return text.strip().lower() == "auto"


def named_gpu(text: str, library: str, count: Callable[[], int]) -> int | None:
    """Return the number of the GPU that DEVICE names, None for the CPU. Needs no torch.

    Args:
        text: "cpu", "cuda" or "cuda:N".
        library: Who sees the GPUs, for the message.
        count: Returns how many it sees.

    Raises:
        RequestError: The text is none of these.
        GeosegError: The library does not see that GPU.
    """
    wanted = text.strip().lower()
    if wanted == "cpu":
        return None
    match = re.fullmatch(r"cuda(?::(\d+))?", wanted)
    if match is None:
        raise RequestError(f"DEVICE is '{text}'.", "Give auto, cpu, cuda or cuda:N (N counts from 0).")
    number, seen = int(match.group(1) or 0), count()
    if number >= seen:
        found = f"it sees {seen}, counted from 0" if seen else "it sees none"
        raise GeosegError(
            f"{library} does not see the GPU '{wanted}': {found}.", "Use DEVICE auto or cpu, or check the driver."
        )
    return number


def choose_device(text: str) -> torch.device:
    """Return the device for "auto", "cpu", "cuda" or "cuda:N"; auto takes the first GPU if it works, else the CPU.

    Raises:
        RequestError: The text is none of these.
        GeosegError: That device is not there or does not work.
    """
    import torch

    if is_auto(text):
        return torch.device("cuda:0" if why_no_gpu() is None else "cpu")
    number = named_gpu(text, "Torch", lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0)
    if number is None:
        return torch.device("cpu")
    device = torch.device(f"cuda:{number}")
    fault = _fault(device)
    if fault is not None:
        raise GeosegError(f"The GPU '{device}' does not work: {fault}.", "Use DEVICE cpu, or check the driver.")
    return device


def why_no_gpu() -> str | None:
    """Return why DEVICE auto does not take the first GPU, None when it does."""
    import torch

    return _fault(torch.device("cuda:0"))


def describe_device(device: torch.device) -> str:
    """Return the device in words: its name, and memory or threads."""
    import torch

    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{device} ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)"
    return f"{device} ({torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()})"


def _fault(device: torch.device) -> str | None:
    """Return what goes wrong in a real operation on a GPU, None when nothing does."""
    import torch

    try:
        torch.zeros(1, device=device).add_(1)
        torch.cuda.synchronize(device)
    except (RuntimeError, AssertionError) as error:  # the latter from a torch that was built for the CPU alone
        return str(error).splitlines()[0].rstrip(".")
    return None
