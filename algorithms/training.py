"""Algorithms that train networks."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.training import TrainSegmentation
from .base import StageAlgorithm


class TrainSegmentationAlgorithm(StageAlgorithm):
    """geoseg:trainsegmentation."""

    stage = TrainSegmentation
