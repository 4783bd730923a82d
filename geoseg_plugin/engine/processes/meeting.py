"""How the processes of a run are connected, and hear why one of them has failed."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from ...contract.errors import EngineError, GeosegError, error_from_json, first_line, own_fault
from ...contract.events import Report, stop_if_cancelled
from ..device import choose_device, is_auto, named_gpu, why_no_gpu
from .fellows import Fellows
from .processes import Explain, Processes

NETWORK_VARIABLE = "GLOO_SOCKET_IFNAME"

_HERE, _FAULT = "here/", "fault"
# All are there when they connect, and ready when GPUs add up; but then the first tries, checks and writes for long
# while the others wait. That one has ended is seen at once, except by GPUs.
_LONGEST_CONNECTING, _LONGEST_WAIT, _LONGEST_SUM = timedelta(minutes=5), timedelta(days=1), timedelta(minutes=5)
_POLL_S, _PATIENCE_S = 0.1, 5.0


@dataclass(frozen=True)
class Meeting:
    """What a process knows of the others before they are connected.

    Attributes:
        store: Of torch.distributed, where words can be left for each other.
        rank: Which one this is.
        size: How many there are.
        place: Which one this is on its machine.
        here: How many there are on this machine.
        fellows: Those that this one has started.
    """

    store: Any
    rank: int
    size: int
    place: int
    here: int
    fellows: Fellows


@contextmanager
def connect(meeting: Meeting, device_text: str, report: Report) -> Iterator[Processes]:
    """Give the processes that have met, each with a device of its own; leave word for the others where the block fails.

    Args:
        meeting: Who has met.
        device_text: The DEVICE of the first process on each machine; on GPUs the others take those that follow.
        report: Hears of faults that need looking into.

    Raises:
        GeosegError: A device is not there or does not work, or another process has failed.
    """
    gpus = None
    try:
        first = first_gpu(device_text)
        device = choose_device("cpu" if first is None else f"cuda:{first + meeting.place}")
        _await(meeting, report)
        explain = _explainer(meeting, report)
        _open_group(meeting, explain)
        _check_alike(device, meeting.size)
        if device.type == "cuda":
            torch.cuda.set_device(device)
            library = "nccl" if distributed.is_nccl_available() else "gloo"
            gpus = distributed.new_group(backend=library, timeout=_LONGEST_SUM)
        yield Processes(
            meeting.rank, meeting.size, place=meeting.place, here=meeting.here, device=device, gpus=gpus,
            explain=explain, find_fault=lambda: _find_fault(meeting, report), store=meeting.store,
        )  # fmt: skip
    except BaseException as error:
        _leave_word(meeting.store, error)
        if gpus is not None:
            gpus.abort()  # else a sum that another process never joins would be waited for
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def first_gpu(text: str) -> int | None:
    """Return the number of the GPU that a DEVICE means, None for the processor.

    Raises:
        RequestError: It has another form.
        GeosegError: Torch does not see that GPU.
    """
    if is_auto(text):
        return 0 if why_no_gpu() is None else None
    return named_gpu(text, "Torch", lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0)


def lost_contact(error: RuntimeError) -> EngineError:
    """Return the error for processes that cannot reach each other, from what torch says."""
    return EngineError(
        f"The processes of this run cannot reach each other: {first_line(error)}.",
        f"See what the others have said. Between machines, {NETWORK_VARIABLE} may have to name the network to use.",
    )


def _await(meeting: Meeting, report: Report) -> None:
    """Wait until all processes are there: for others that have only just been started, as long as torch is imported."""
    report.progress(0.0, f"Waiting for {meeting.size} processes")
    meeting.store.set(f"{_HERE}{meeting.rank}", "")
    while not meeting.store.check([f"{_HERE}{rank}" for rank in range(meeting.size)]):
        stop_if_cancelled(report)
        cause = _find_fault(meeting, report)
        if cause is not None:
            raise cause
        time.sleep(_POLL_S)


def _open_group(meeting: Meeting, explain: Explain) -> None:
    try:
        distributed.init_process_group(
            "gloo", store=meeting.store, rank=meeting.rank, world_size=meeting.size, timeout=_LONGEST_CONNECTING
        )
    except RuntimeError as error:
        raise explain(error) from error
    distributed.set_timeout(_LONGEST_WAIT)


def _check_alike(device: torch.device, size: int) -> None:
    kinds: list[Any] = [None] * size
    distributed.all_gather_object(kinds, device.type)
    if len(set(kinds)) > 1:
        without = ", ".join(str(rank) for rank, kind in enumerate(kinds) if kind == "cpu")
        raise GeosegError(
            f"Processes of this run see GPUs that work, but not these: {without} (counted from 0).",
            "Set DEVICE to cpu, or check the drivers of their machines.",
        )


def _leave_word(store: Any, error: BaseException) -> None:
    """Leave an error for the other processes, unless there is one already."""
    if isinstance(error, GeosegError):
        word = error.to_json()
    else:
        word = {**own_fault(error).to_json(), "trace": "".join(traceback.format_exception(error))}
    with suppress(RuntimeError):  # where the store is gone, so is the first process
        store.compare_set(_FAULT, "", json.dumps(word))


def _find_fault(meeting: Meeting, report: Report) -> GeosegError | None:
    """Return the error that a process has left word of, or has died of; None where all is well."""
    try:
        if meeting.store.check([_FAULT]):
            word = json.loads(meeting.store.get(_FAULT))
            if "trace" in word:
                report.detail(word["trace"])
            return error_from_json(word)
    except RuntimeError:
        return EngineError("The first process of this run has ended.", "See what it has said.")
    return meeting.fellows.why_ended()


def _explainer(meeting: Meeting, report: Report) -> Explain:
    """Return what finds out why others cannot be reached; that may be known only a little later."""

    def explain(error: RuntimeError) -> GeosegError:
        give_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up:
            cause = _find_fault(meeting, report)
            if cause is not None:
                return cause
            time.sleep(_POLL_S)
        return lost_contact(error)

    return explain
