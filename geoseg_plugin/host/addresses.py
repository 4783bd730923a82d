"""Rasters on servers and in archives, which Processing does not find by their address alone."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsRasterLayer

# Drivers of QGIS that read through GDAL, as the engine does.
RASTER_PROVIDER = "gdal"
_PREFIX = "/vsi"


def open_addresses(value: Any) -> Any:
    """Return a value of a parameter with layers in the place of addresses that GDAL reads (/vsicurl/http://...).

    Addresses where there is none stay as they are, and so does all else.
    """
    if isinstance(value, (list, tuple)):
        return [open_addresses(one) for one in value]
    if not isinstance(value, str) or not value.startswith(_PREFIX):
        return value
    layer = QgsRasterLayer(value, value, RASTER_PROVIDER)
    return layer if layer.isValid() else value
