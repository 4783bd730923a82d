"""Reading, network and writing side by side: each works on its own batch of windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...contract.events import Report, stop_if_cancelled
from .reading import RowEnd, WindowInput
from .runtime import Network

Item = WindowInput | RowEnd
Consumer = Callable[[list[Item], NDArray[np.float32]], None]

_WINDOWS_WAITING = 8
_POLL_S = 0.1

_T = TypeVar("_T")


def pump(items: Iterable[Item], network: Network, consume: Consumer, report: Report) -> None:
    """Put every window through the network: one thread reads ahead, one takes the answers, the caller's computes.

    Args:
        items: Windows and row ends in order; asked for in the reading thread.
        network: What answers.
        consume: Called in the writing thread with a batch of items and the logits (N, K, H, W) of its N windows.
        report: Hears of progress, and is asked whether to stop.

    Raises:
        Cancelled: The user has asked to stop.
        GeosegError: Whatever reading, network or consumer raise.
    """
    batches = _batches(items, network)
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        depth = max(2, _WINDOWS_WAITING // network.batch_size)
        ahead = deque(reader.submit(next, batches, None) for _ in range(depth))
        behind: deque[Future[None]] = deque()
        try:
            while (batch := _result(ahead.popleft(), report)) is not None:
                ahead.append(reader.submit(next, batches, None))
                windows = [item.pixels for item in batch if isinstance(item, WindowInput)]
                logits = network.logits(np.stack(windows)) if windows else np.empty((0, 0, 0, 0), np.float32)
                report.progress(batch[-1].done)
                behind.append(writer.submit(consume, batch, logits))
                while len(behind) > depth:
                    _result(behind.popleft(), report)
            while behind:
                _result(behind.popleft(), report)
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            writer.shutdown(wait=False, cancel_futures=True)


def _batches(items: Iterable[Item], network: Network) -> Iterator[list[Item]]:
    """Group items so that a batch has as many windows as the network takes at a time, and no more row ends."""
    batch: list[Item] = []
    windows = row_ends = 0
    for item in items:
        batch.append(item)
        if isinstance(item, WindowInput):
            windows += 1
        else:
            row_ends += 1
        if windows >= network.batch_size or row_ends > windows:
            yield batch
            batch, windows, row_ends = [], 0, 0
    if batch:
        yield batch


def _result(future: Future[_T], report: Report) -> _T:
    """Wait for the result while listening for the wish to stop."""
    while True:
        stop_if_cancelled(report)
        if wait([future], timeout=_POLL_S).done:
            return future.result()
