"""Algorithms that handle model files."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.models import ExportModel
from .base import StageAlgorithm


class ExportModelAlgorithm(StageAlgorithm):
    """geoseg:exportmodel."""

    stage = ExportModel
