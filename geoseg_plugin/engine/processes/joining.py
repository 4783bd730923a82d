"""How the processes of a run come together: started by torchrun, or by the first of them."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psutil
import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous

from ...contract.errors import RequestError
from ...contract.events import QuietReport, Report
from .fellows import Fellows, start_fellows
from .meeting import NETWORK_VARIABLE, Meeting, connect, first_gpu, lost_contact
from .processes import ALONE, Processes
from .starting import THREADS_VARIABLE, SharedStage, count_started

_LOOPBACK = "127.0.0.1"
_meetings = itertools.count()  # of processes that go on to further runs


@contextmanager
def join_processes(request: SharedStage, report: Report) -> Iterator[Processes]:
    """Give the processes of a run: those that torchrun has started, or as many as DEVICES says, or this one alone.

    Where one of them fails, all others end with its error, within seconds.

    Raises:
        RequestError: DEVICES is more than there are, or does not go with torchrun.
        GeosegError: A device is not there or does not work, or a process has failed.
        Cancelled: The user has asked to stop before all were there.
    """
    if count_started() > 1:
        if request.devices > 1:
            raise RequestError(
                f"DEVICES is {request.devices}, but {count_started()} processes were started already.",
                "Leave DEVICES at 1 with torchrun.",
            )
        with _join_started(request, report) as processes:
            yield processes
    elif request.devices > 1:
        with _start_others(request, report) as processes:
            yield processes
    else:
        yield ALONE


@contextmanager
def _join_started(request: SharedStage, report: Report) -> Iterator[Processes]:
    try:
        whole_store, rank, size = next(rendezvous("env://"))
    except RuntimeError as error:
        raise lost_contact(error) from error
    store = _section(whole_store, next(_meetings))
    place, here = int(os.environ.get("LOCAL_RANK", rank)), int(os.environ.get("LOCAL_WORLD_SIZE", size))
    told = report if rank == 0 else QuietReport(report)
    with connect(Meeting(store, rank, size, place, here, Fellows()), request.device, told) as processes:
        yield processes


@contextmanager
def _start_others(request: SharedStage, report: Report) -> Iterator[Processes]:
    """Start as many processes on this machine as DEVICES says; this one is the first of them."""
    size, device = request.devices, _choose_devices(request)
    store, network = _open_store(), _inner_network()
    threads = torch.get_num_threads()
    own_threads = max(1, threads // size)
    alike = {THREADS_VARIABLE: str(own_threads), **network}
    variables = {
        "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": _LOOPBACK,
        "MASTER_PORT": str(store.port), **alike,
    }  # fmt: skip
    torch.set_num_threads(own_threads)
    try:
        with start_fellows(replace(request, devices=1, device=device), variables, size) as fellows:
            meeting = Meeting(_section(store, 0), 0, size, 0, size, fellows)
            with _environment(alike), connect(meeting, device, report) as processes:
                yield processes
    finally:
        torch.set_num_threads(threads)


def _choose_devices(request: SharedStage) -> str:
    """Return DEVICE as all processes are to take it, when all of them have one.

    Raises:
        RequestError: DEVICES is more than there are GPUs, or cores of the processor, on which more processes than that
            only use up memory.
        GeosegError: The first is not there.
    """
    first = first_gpu(request.device)
    if first is None:
        cores = os.cpu_count() or 1
        if request.devices > cores:
            raise RequestError(
                f"DEVICES is {request.devices}, but the processor has {cores} core{'s' if cores > 1 else ''}.",
                f"Set DEVICES to {cores} or less.",
            )
        return "cpu"
    seen = torch.cuda.device_count()
    if first + request.devices > seen:
        where = f" from cuda:{first} on" if first else ""
        raise RequestError(
            f"DEVICES is {request.devices}{where}, but Torch sees {seen} GPU{'s' if seen > 1 else ''}.",
            f"Set DEVICES to {seen - first} or less.",
        )
    return f"cuda:{first}"


def _section(store: Any, number: int) -> Any:
    """Return the part of a store for one meeting; what was said in an earlier one must not be heard in it."""
    return distributed.PrefixStore(f"geoseg/{number}", store)


def _open_store() -> Any:
    """Return a store for words on a free port, which is open to this machine alone."""
    with socket.create_server((_LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        return distributed.TCPStore(
            _LOOPBACK, port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach()
        )


def _inner_network() -> dict[str, str]:
    """Return the variable that keeps what processes of one machine say within it, unless the user has set it."""
    if NETWORK_VARIABLE in os.environ or os.name != "posix":
        return {}
    ways = psutil.net_if_addrs().items()
    names = [name for name, addresses in ways if any(one.address == _LOOPBACK for one in addresses)]
    return {NETWORK_VARIABLE: names[0]} if names else {}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the time of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
