"""Reading, network and writing side by side: each works on its own batch of windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...contract.events import Report, stop_if_cancelled
from .opinions.predictor import Predictor

_WINDOWS_WAITING = 8
_POLL_S = 0.1
# So many ends of rows and scenes follow a window where scenes have one each; more mean that there is nothing to show.
_ENDS_PER_WINDOW = 2

_T = TypeVar("_T")


class Item(Protocol):
    """Something that passes the network in its turn: a window, or the end of a row or of a scene.

    Attributes:
        pixels: What the networks are shown, (C, size, size) float32 for each; None where there is nothing to show.
        done: Share of the work that is through with it, 0 to 1.
    """

    @property
    def pixels(self) -> tuple[NDArray[np.float32], ...] | None: ...  # noqa: D102

    @property
    def done(self) -> float: ...  # noqa: D102

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Take the answer (K, size, size); None where nothing was shown. Called in the writing thread."""


def pump(
    items: Iterable[Item], predictor: Predictor, report: Report, discard: Callable[[], None] | None = None
) -> None:
    """Put every window through the network: one thread reads ahead, one takes the answers, the caller's computes.

    Args:
        items: In their order; asked for in the reading thread. All windows have one size.
        predictor: What answers.
        report: Hears of progress, and is asked whether to stop.
        discard: Removes what is unfinished, if anything; called last in the writing thread, which has opened it.

    Raises:
        Cancelled: The user has asked to stop.
        GeosegError: Whatever reading, network or delivery raise.
    """
    batches = _batches(items, predictor)
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        depth = max(2, _WINDOWS_WAITING // predictor.batch_size)
        ahead = deque(reader.submit(next, batches, None) for _ in range(depth))
        behind: deque[Future[None]] = deque()
        delivery = _Delivery(predictor)
        try:
            while (batch := _result(ahead.popleft(), report)) is not None:
                ahead.append(reader.submit(next, batches, None))
                windows = [item.pixels for item in batch if item.pixels is not None]
                answers = predictor.infer(windows) if windows else []
                report.progress(batch[-1].done)
                behind.append(writer.submit(delivery.deliver, batch, answers))
                while behind and (len(behind) > depth or behind[0].done()):
                    _result(behind.popleft(), report)
            while behind:
                _result(behind.popleft(), report)
        finally:
            pending: list[Future[Any]] = [*ahead, *behind]
            for future in pending:
                future.cancel()
            if isinstance(items, Generator):
                reader.submit(items.close)  # in the thread that has opened what it holds
            if discard is not None:
                writer.submit(discard)


class _Delivery:
    """Hands answers on until that fails once: what comes later would lack what was left out, and might be kept."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._has_failed = False

    def deliver(self, batch: list[Item], answers: list[Any]) -> None:
        """Hand the answers to a batch on; in the writing thread."""
        if self._has_failed:
            return
        waiting = iter(answers)
        try:
            for item in batch:
                item.deliver(None if item.pixels is None else self._predictor.conclude(next(waiting)))
        except BaseException:
            self._has_failed = True
            raise


def _batches(items: Iterable[Item], predictor: Predictor) -> Iterator[list[Item]]:
    """Group items so that a batch has as many windows as the network takes at a time, and no more of the others."""
    batch: list[Item] = []
    windows = others = 0
    for item in items:
        batch.append(item)
        if item.pixels is not None:
            windows += 1
        else:
            others += 1
        if windows >= predictor.batch_size or others > _ENDS_PER_WINDOW * (windows + 1):
            yield batch
            batch, windows, others = [], 0, 0
    if batch:
        yield batch


def _result(future: Future[_T], report: Report) -> _T:
    """Wait for the result while listening for the wish to stop."""
    while True:
        stop_if_cancelled(report)
        if wait([future], timeout=_POLL_S).done:
            return future.result()
