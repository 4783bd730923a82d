"""Work on many tiles in a few threads, with results in order and little memory for what is still to be done."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_MOST_THREADS = 8
_PER_PROCESSOR = 2  # some of them wait for the disk
_AHEAD_PER_THREAD = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int = 0,
    *,
    size: Callable[[Item], int] | None = None,
    most: int = 0,
) -> Generator[Result, None, None]:
    """Yield the result of `work` for every item, in their order.

    Args:
        work: Called in other threads.
        items: What it is called with.
        threads: How many threads; 0 takes two per processor, 8 at most.
        size: What an item takes of memory, in bytes, which it shares with none; None where that does not matter.
        most: How much all items taken may hold together, unless one alone holds more.

    Raises:
        Exception: Whatever `work` raises, in its turn.
    """
    count = threads or min(_MOST_THREADS, _PER_PROCESSOR * (os.cpu_count() or 1))
    pool = ThreadPoolExecutor(count, thread_name_prefix="tiles")
    pending: deque[tuple[Future[Result], int]] = deque()
    held = 0
    try:
        for item in items:
            own = 0 if size is None else size(item)
            pending.append((pool.submit(work, item), own))
            held += own
            while len(pending) > _AHEAD_PER_THREAD * count or held > most > 0:
                done, freed = pending.popleft()
                yield done.result()
                held -= freed
        while pending:
            yield pending.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
