"""Algorithms that put images through a model."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.many_scenes import PredictScenes
from ..geoseg_plugin.contract.stages.prediction import PredictSegmentation
from .base import StageAlgorithm


class PredictSegmentationAlgorithm(StageAlgorithm):
    """geoseg:predictsegmentation."""

    stage = PredictSegmentation


class PredictScenesAlgorithm(StageAlgorithm):
    """geoseg:predictscenes."""

    stage = PredictScenes
