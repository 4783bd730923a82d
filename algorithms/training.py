"""Algorithms that train networks, and show how that goes."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.tracking import TrackingServer
from ..geoseg_plugin.contract.stages.training import TrainSegmentation
from .base import StageAlgorithm


class TrainSegmentationAlgorithm(StageAlgorithm):
    """geoseg:trainsegmentation."""

    stage = TrainSegmentation


class TrackingServerAlgorithm(StageAlgorithm):
    """geoseg:trackingserver."""

    stage = TrackingServer
