"""GeoSeg: from imagery and labels to a trained segmentation model and back onto the map."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Return the plugin; called by QGIS, also by qgis_process (iface is None then)."""
    from .geoseg_plugin.plugin import GeosegPlugin

    return GeosegPlugin(iface)
