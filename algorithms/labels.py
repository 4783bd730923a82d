"""Algorithms that turn what people drew into label rasters."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.labels import RasterizeLabels
from .base import StageAlgorithm


class RasterizeLabelsAlgorithm(StageAlgorithm):
    """geoseg:rasterizelabels."""

    stage = RasterizeLabels
