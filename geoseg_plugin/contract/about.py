"""What metadata.txt says about GeoSeg: the one place of its version and addresses."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=None)
def about(key: str) -> str:
    """Return the value of a key in metadata.txt (version, homepage, ...), "unknown" where there is none."""
    text = (Path(__file__).resolve().parents[2] / "metadata.txt").read_text(encoding="utf-8")
    match = re.search(rf"^{re.escape(key)}=(.+)$", text, re.MULTILINE)
    return match.group(1).strip() if match else "unknown"


def reference() -> str:
    """Return the address of the reference, which the plugin's zip leaves out."""
    return f"{about('homepage')}/blob/main/docs/reference.md"
