"""Algorithms that put images through a model."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.prediction import PredictSegmentation
from .base import StageAlgorithm


class PredictSegmentationAlgorithm(StageAlgorithm):
    """geoseg:predictsegmentation."""

    stage = PredictSegmentation
