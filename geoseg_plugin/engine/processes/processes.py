"""The processes that work together on one run, and what they say to each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import distributed

from ...contract.errors import GeosegError
from ...contract.events import PassedOn, Report

Value = TypeVar("Value")
Explain = Callable[[RuntimeError], Exception]


class Processes:
    """The processes of a run, as one of them sees them. One alone waits for nobody, and pays nothing.

    All of them call the same methods in the same order, and wait for each other there. Words go through gloo, which
    tells at once when another process has ended; GPUs add up through NCCL, only just after all have agreed to.

    Args:
        rank: Which one this is, from 0.
        size: How many there are.
        place: Which one this is on its machine, from 0.
        here: How many there are on this machine.
        device: What this one works on; None where that is still to be chosen.
        gpus: The group of torch.distributed that adds up on GPUs; None where there is none.
        explain: Makes an error of what torch says when the others cannot be reached.
        find_fault: Returns the error that another process has failed with; None where all is well.
        store: Of torch.distributed, where words can be left for each other; None where there are no others.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        *,
        place: int = 0,
        here: int = 1,
        device: torch.device | None = None,
        gpus: Any = None,
        explain: Explain = lambda error: error,
        find_fault: Callable[[], GeosegError | None] = lambda: None,
        store: Any = None,
    ) -> None:
        self.rank = rank
        self.size = size
        self.place = place
        self.here = here
        self.device = device
        self._gpus = gpus
        self.store = store
        self._explain = explain
        self._find_fault = find_fault
        self._time = 0.0

    @property
    def is_first(self) -> bool:
        """Whether this is the one that speaks, decides and writes for all."""
        return self.rank == 0

    def now(self) -> float:
        """Return the time in seconds: that of the first process when all have last agreed or heard from it."""
        return time.monotonic() if self.size == 1 else self._time

    def agree(self, flag: bool) -> bool:
        """Return whether the flag of any process is set."""
        return self.unite([flag])[0]

    def unite(self, flags: Sequence[bool]) -> list[bool]:
        """Return for each of some flags, as many in all processes, whether it is set in any of them."""
        if self.size == 1:
            return list(flags)
        words = torch.tensor([time.monotonic() if self.is_first else 0.0, *flags], dtype=torch.float64)
        self._together(distributed.all_reduce, words, op=distributed.ReduceOp.MAX)
        self._time = float(words[0])
        return [word > 0 for word in words[1:].tolist()]

    def decide(self, choose: Callable[[], Value]) -> Value:
        """Return what the first process chooses; the others do not choose, and wait.

        Args:
            choose: Returns plain values or tensors on the CPU.
        """
        if self.size == 1:
            return choose()
        told: list[Any] = [(choose(), time.monotonic()) if self.is_first else None]
        self._together(distributed.broadcast_object_list, told, src=0)
        value: Value = told[0][0]
        self._time = told[0][1]
        return value

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all processes, plain ones or tensors on the CPU, by rank."""
        if self.size == 1:
            return [value]
        every: list[Any] = [None] * self.size
        self._together(distributed.all_gather_object, every, value)
        return every

    def add(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by their sums over all processes, which are the same in all of them to the last bit.

        Args:
            tensors: One or more, of one dtype and on one device, and of the same shapes everywhere.
        """
        if self.size == 1:
            return
        flat = torch.cat([one.detach().reshape(-1) for one in tensors])
        self._together(distributed.all_reduce, flat, group=self._gpus if flat.is_cuda else None)
        with torch.no_grad():
            for one, part in zip(tensors, flat.split([one.numel() for one in tensors]), strict=True):
                one.copy_(part.view(one.shape))

    def check(self) -> None:
        """Go on where all is well, without waiting for the others.

        Raises:
            GeosegError: What another process has failed with.
        """
        fault = self._find_fault()
        if fault is not None:
            raise fault

    def _together(self, collective: Callable[..., object], *arguments: object, **options: object) -> None:
        try:
            collective(*arguments, **options)
        except RuntimeError as error:
            raise self._explain(error) from error


ALONE = Processes()


def put_together(dealt: Sequence[Sequence[Value]]) -> list[Value]:
    """Return in their order the items that were dealt out by turns, to each process those of [rank::size]."""
    return [dealt[place % len(dealt)][place // len(dealt)] for place in range(sum(map(len, dealt)))]


class SharedReport(PassedOn):
    """A report that tells all processes alike whether the user has asked to stop; they all ask at the same time.

    Args:
        report: What this process reports to.
        processes: All of them.
    """

    def __init__(self, report: Report, processes: Processes) -> None:
        super().__init__(report)
        self._processes = processes

    def is_cancelled(self) -> bool:
        """Tell whether any process was asked to stop."""
        return self._processes.agree(self._report.is_cancelled())
