"""What QGIS remembers for GeoSeg on this machine. What a run does comes from its parameters alone."""

from __future__ import annotations

from qgis.core import QgsSettings

_PYTHON = "geoseg/python"


def chosen_python() -> str:
    """Return the engine's Python program that the user has set in QGIS, or an empty text."""
    return str(QgsSettings().value(_PYTHON, "") or "")
