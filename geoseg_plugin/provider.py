"""The provider: everything of GeoSeg that the Toolbox lists."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsProcessingModelAlgorithm, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..algorithms.base import ICONS
from ..algorithms.datasets import (
    CheckDatasetAlgorithm,
    MakeTilesAlgorithm,
    SplitDatasetAlgorithm,
    TileStatisticsAlgorithm,
)
from ..algorithms.engine import CheckEngineAlgorithm, InstallEngineAlgorithm
from ..algorithms.imagery import (
    ClipRasterAlgorithm,
    DemoSceneAlgorithm,
    MosaicRastersAlgorithm,
    RescaleImageAlgorithm,
    StackBandsAlgorithm,
    StackFolderAlgorithm,
)
from ..algorithms.labels import RasterizeLabelsAlgorithm
from ..algorithms.models import ExportModelAlgorithm
from ..algorithms.prediction import PredictScenesAlgorithm, PredictSegmentationAlgorithm
from ..algorithms.training import TrackingServerAlgorithm, TrainSegmentationAlgorithm
from .contract.about import about
from .contract.errors import GeosegError
from .contract.fields import RASTER_SUFFIXES, VECTOR_FORMATS, VRT_SUFFIX
from .host.environment import ROOT, engine_python
from .host.settings import chosen_python

ALGORITHMS = (
    DemoSceneAlgorithm,
    ClipRasterAlgorithm,
    StackBandsAlgorithm,
    StackFolderAlgorithm,
    MosaicRastersAlgorithm,
    RescaleImageAlgorithm,
    RasterizeLabelsAlgorithm,
    MakeTilesAlgorithm,
    TileStatisticsAlgorithm,
    SplitDatasetAlgorithm,
    CheckDatasetAlgorithm,
    TrainSegmentationAlgorithm,
    TrackingServerAlgorithm,
    PredictSegmentationAlgorithm,
    PredictScenesAlgorithm,
    ExportModelAlgorithm,
    InstallEngineAlgorithm,
    CheckEngineAlgorithm,
)
WORKFLOWS = ROOT / "resources" / "workflows"


class GeosegProvider(QgsProcessingProvider):
    """GeoSeg's algorithms, one per stage, and the shipped workflows."""

    def id(self) -> str:
        """Return the fixed id."""
        return "geoseg"

    def name(self) -> str:
        """Return the name in the Toolbox."""
        return "GeoSeg"

    def longName(self) -> str:
        """Return the name with the version."""
        return f"GeoSeg {about('version')}"

    def versionInfo(self) -> str:
        """Return the version."""
        return about("version")

    def helpId(self) -> str:
        """Return the id of the help pages."""
        return self.id()

    def icon(self) -> QIcon:
        """Return the icon."""
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        """Return the path of the icon."""
        return str(ICONS / "geoseg.svg")

    def warningMessage(self) -> str:
        """Return what to do when the engine is missing, else an empty text."""
        try:
            engine_python(chosen_python())
        except GeosegError as error:
            return str(error)
        return ""

    def loadAlgorithms(self) -> None:
        """Add the algorithms and the workflows, which are made of them and need QGIS to know the provider.

        QGIS asks before it does, too: nothing is added then, so that nothing is made twice.
        """
        if QgsApplication.processingRegistry().providerById(self.id()) is None:
            return
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
        for path in sorted(WORKFLOWS.glob("*.model3")):
            workflow = QgsProcessingModelAlgorithm()
            if workflow.fromFile(str(path)):
                self.addAlgorithm(workflow)

    def supportsNonFileBasedOutput(self) -> bool:
        """Tell that the engine writes files only."""
        return False

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        """Return what the engine writes."""
        return [suffix.lstrip(".") for suffix in (*RASTER_SUFFIXES, VRT_SUFFIX)]

    def defaultRasterFileExtension(self) -> str:
        """Return the suffix of temporary rasters."""
        return "tif"

    def supportedOutputVectorLayerExtensions(self) -> list[str]:
        """Return what the engine writes."""
        return [suffix.lstrip(".") for suffix in VECTOR_FORMATS]

    def defaultVectorFileExtension(self, hasGeometry: bool = True) -> str:
        """Return the suffix of temporary vector layers."""
        return "gpkg"
