"""Lets many things that are done in one job report as one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

from ..contract.events import Report
from .imagery.paths import name_some

Progress = Callable[[float, str], None]
_MOST_TOLD = 100  # of the things that have something to say which is of them alone


class Gathering:
    """Says what many things have in common only once: notes at once, warnings in the end. Several threads may speak.

    Args:
        whole: The report of the whole job.
    """

    def __init__(self, whole: Report) -> None:
        self.whole = whole
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self._warned: dict[str, dict[str, str]] = {}
        self._told: set[str] = set()

    def report_of(self, name: str, words: Sequence[str], progress: Progress) -> OneOfMany:
        """Return the report of one thing.

        Args:
            name: What it is called in warnings and notes.
            words: What stands for it alone in what is said of it, such as names of files, longer ones first.
            progress: Hears how much of it is done.
        """
        return OneOfMany(self, name, words, progress)

    def note(self, kind: str, name: str, text: str) -> None:
        """Pass on what was not said of another thing."""
        with self._lock:
            is_new = kind not in self._noted
            self._noted.add(kind)
        if is_new:
            self.whole.note(_named(name, text))

    def tell(self, name: str, text: str) -> None:
        """Pass on what is of one thing alone; of very many things the first hundred are heard."""
        with self._lock:
            self._told.add(name)
            is_heard = len(self._told) <= _MOST_TOLD
        (self.whole.note if is_heard else self.whole.detail)(_named(name, text))

    def warn(self, kind: str, name: str, text: str) -> None:
        """Keep a warning."""
        with self._lock:
            self._warned.setdefault(kind, {}).setdefault(name, text)

    def warn_once(self) -> None:
        """Warn of everything of one kind once, with the names of what it was met in."""
        with self._lock:
            warned, self._warned = self._warned, {}
        for texts in warned.values():
            first, *others = texts
            again = f" The same goes for {name_some(others)}." if others else ""
            self.whole.warn(f"{_named(first, texts[first])}{again}")


class OneOfMany:
    """The report of one of many things: see `Gathering.report_of`."""

    def __init__(self, all_of_them: Gathering, name: str, words: Sequence[str], progress: Progress) -> None:
        self._all = all_of_them
        self._name = name
        self._words = tuple(words)
        self._progress = progress
        self.detail = all_of_them.whole.detail
        self.metric = all_of_them.whole.metric
        self.is_cancelled = all_of_them.whole.is_cancelled

    def alone(self) -> OneAlone:
        """Return the report for what is of this one alone, such as its figures: its notes are all passed on."""
        return OneAlone(self._all, self._name, self._words, self._progress)

    def progress(self, fraction: float, text: str = "") -> None:
        """Pass on how much is done."""
        self._progress(fraction, text)

    def note(self, text: str) -> None:
        """Pass on what was not said of another one."""
        self._all.note(self._kind(text), self._name, text)

    def warn(self, text: str) -> None:
        """Keep a warning until the end."""
        self._all.warn(self._kind(text), self._name, text)

    def _kind(self, text: str) -> str:
        """Return a text without what differs from one to the other: its names, and numbers."""
        for word in self._words:
            if word in text:
                text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", text)
        return re.sub(r"\d+", "", text)


class OneAlone(OneOfMany):
    """The report of one of many things for what is of it alone: see `OneOfMany.alone`."""

    def note(self, text: str) -> None:
        """Pass it on."""
        self._all.tell(self._name, text)


def _named(name: str, text: str) -> str:
    return text if name in text else f"{name}: {text}"
