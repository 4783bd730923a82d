"""Names in messages."""

from __future__ import annotations

from typing import Iterable


def quote_names(names: Iterable[str]) -> str:
    """Return names as a message lists them: "'roof', 'water'"."""
    return ", ".join(f"'{name}'" for name in names)
