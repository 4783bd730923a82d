"""The plugin object that QGIS makes."""

from __future__ import annotations

from typing import Any, Optional

from qgis.core import QgsApplication

from .provider import GeosegProvider


class GeosegPlugin:
    """Registers GeoSeg's provider with Processing.

    Args:
        iface: QGIS's interface, None under qgis_process; never used, because all of GeoSeg lives in Processing.
    """

    def __init__(self, iface: Optional[Any] = None) -> None:
        self.provider: Optional[GeosegProvider] = None

    def initProcessing(self) -> None:
        """Register the provider; QGIS calls this alone under qgis_process."""
        self.provider = GeosegProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)
        # Only from here on QGIS knows the provider, and so can load workflows made of its algorithms.
        self.provider.refreshAlgorithms()

    def initGui(self) -> None:
        """Register the provider in the program with windows."""
        self.initProcessing()

    def unload(self) -> None:
        """Take everything out again."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
