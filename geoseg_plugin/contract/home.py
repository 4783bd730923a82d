"""Where GeoSeg keeps what it installs, and what is tracked of trainings."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def engine_home() -> Path:
    """Return the folder of everything that GeoSeg installs: $GEOSEG_HOME, else the platform's place for data."""
    chosen = os.environ.get("GEOSEG_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "geoseg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "geoseg"
    return Path.home() / ".local" / "share" / "geoseg"
