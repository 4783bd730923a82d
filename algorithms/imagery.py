"""Algorithms that make or prepare images."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.imagery import ClipRaster, DemoScene
from .base import StageAlgorithm


class DemoSceneAlgorithm(StageAlgorithm):
    """geoseg:demoscene."""

    stage = DemoScene


class ClipRasterAlgorithm(StageAlgorithm):
    """geoseg:clipraster."""

    stage = ClipRaster
