"""How far each of several processes has come, told without waiting for each other."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

from ...contract.errors import EngineError

_EVERY_S = 0.5
_LONGEST_SILENCE_S = 60.0
_SHARE = "share/"


class Board:
    """Shares of the work that processes have done, each its own; a sign of life of each, too.

    In a `with` block a thread keeps telling what `share` is.

    Args:
        store: Of torch.distributed, which all processes reach.
        rank: Which one this is, from 0.
        size: How many there are.

    Attributes:
        share: What this process has done of its own part, 0 to 1.
    """

    def __init__(self, store: Any, rank: int, size: int) -> None:
        self.share = 0.0
        self._store = store
        self._rank = rank
        self._names = [f"{_SHARE}{other}" for other in range(size)]
        self._words = [""] * size
        self._heard_at = [time.monotonic()] * size
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._keep_telling, daemon=True)
        self._beats = 0

    def __enter__(self) -> Board:
        """Begin to tell."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell for the last time."""
        self._left.set()
        self._thread.join()

    def hear(self) -> list[float]:
        """Return what each process has done of its part, 0 to 1, by rank.

        Raises:
            EngineError: One has been silent for long, and had not come to its end.
        """
        now = time.monotonic()
        for rank, name in enumerate(self._names):
            word = self._word(name)
            if word != self._words[rank]:
                self._words[rank], self._heard_at[rank] = word, now
        shares = [float(word.partition(" ")[0] or 0) for word in self._words]
        for rank, share in enumerate(shares):
            if rank != self._rank and share < 1 and now - self._heard_at[rank] > _LONGEST_SILENCE_S:
                raise EngineError(
                    f"Process {rank} of this run (counted from 0) has been silent for {_LONGEST_SILENCE_S:g} s.",
                    "See whether its machine still runs.",
                )
        return shares

    def _word(self, name: str) -> str:
        with suppress(RuntimeError):  # where the store is gone, others find out why
            if self._store.check([name]):
                return str(self._store.get(name).decode())
        return ""

    def _keep_telling(self) -> None:
        while True:
            left = self._left.wait(_EVERY_S)
            self._beats += 1
            with suppress(RuntimeError):
                self._store.set(self._names[self._rank], f"{self.share} {self._beats}")
            if left:
                return
