"""Algorithms that make and check the engine's own Python environment."""

from __future__ import annotations

from ..geoseg_plugin.contract.events import Report
from ..geoseg_plugin.contract.stages.environment import CheckEngine, InstallEngine, InstallEngineResult
from .base import StageAlgorithm


class InstallEngineAlgorithm(StageAlgorithm):
    """geoseg:installengine."""

    stage = InstallEngine

    def needs_engine(self) -> bool:
        """Tell that it runs without an engine."""
        return False

    def perform(self, request: InstallEngine, report: Report) -> InstallEngineResult:
        """Install the engine from here: there is no worker yet."""
        from ..geoseg_plugin.host.install import install_engine

        return install_engine(request, report)


class CheckEngineAlgorithm(StageAlgorithm):
    """geoseg:checkengine."""

    stage = CheckEngine
