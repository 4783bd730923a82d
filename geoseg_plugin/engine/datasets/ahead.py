"""Work on many tiles in a few threads, with results in order and memory for a few tiles only."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_MOST_THREADS = 8
_AHEAD_PER_THREAD = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(work: Callable[[Item], Result], items: Iterable[Item], threads: int = 0) -> Generator[Result, None, None]:
    """Yield the result of `work` for every item, in their order.

    Args:
        work: Called in other threads.
        items: What it is called with.
        threads: How many threads; 0 takes one per processor, 8 at most.

    Raises:
        Exception: Whatever `work` raises, in its turn.
    """
    count = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(count, thread_name_prefix="tiles")
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > _AHEAD_PER_THREAD * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
