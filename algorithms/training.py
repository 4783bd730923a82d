"""Algorithms that train networks, and show how that goes."""

from __future__ import annotations

from typing import Any

from ..geoseg_plugin.contract.stages.tracking import TrackingServer
from ..geoseg_plugin.contract.stages.training import TrainSegmentation
from .base import StageAlgorithm


class TrainSegmentationAlgorithm(StageAlgorithm):
    """geoseg:trainsegmentation."""

    stage = TrainSegmentation

    def createCustomParametersWidget(self, parent: Any = None) -> None:
        """Let QGIS make its own dialog, and show in it what presets set as well."""
        from .preset_values import show_in_next_dialog  # widgets, which only dialogs need

        super().createCustomParametersWidget(parent)
        show_in_next_dialog()


class TrackingServerAlgorithm(StageAlgorithm):
    """geoseg:trackingserver."""

    stage = TrackingServer
