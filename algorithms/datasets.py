"""Algorithms that make training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingMultiStepFeedback,
    QgsProcessingUtils,
)

from ..geoseg_plugin.contract.stages.dataset_check import CheckDataset
from ..geoseg_plugin.contract.stages.dataset_split import SplitDataset
from ..geoseg_plugin.contract.stages.datasets import MakeTiles
from ..geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from ..geoseg_plugin.host.style import style_when_loaded
from .base import StageAlgorithm
from .words import translate


class DatasetAlgorithm(StageAlgorithm):
    """An algorithm whose result is a dataset: the footprints of its tiles are loaded, which lie inside the folder."""

    def finish(self, outputs: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> None:
        """Have the tile footprints loaded; not as a step of a model or of a batch."""
        path = outputs["tiles"]
        is_step = isinstance(feedback, QgsProcessingMultiStepFeedback)
        if is_step or context.project() is None or self._request is None:
            return
        name = f"{translate('Tile footprints')}: {Path(path).parent.name}"
        details = QgsProcessingContext.LayerDetails(
            name, context.project(), "TILES", QgsProcessingUtils.LayerHint.Vector
        )
        context.addLayerToLoadOnCompletion(path, details)
        style_when_loaded(context, path, self._request)


class MakeTilesAlgorithm(DatasetAlgorithm):
    """geoseg:maketiles."""

    stage = MakeTiles


class TileStatisticsAlgorithm(StageAlgorithm):
    """geoseg:tilestatistics."""

    stage = TileStatistics


class SplitDatasetAlgorithm(DatasetAlgorithm):
    """geoseg:splitdataset."""

    stage = SplitDataset


class CheckDatasetAlgorithm(StageAlgorithm):
    """geoseg:checkdataset."""

    stage = CheckDataset
