"""Algorithms that make or prepare images."""

from __future__ import annotations

from ..geoseg_plugin.contract.stages.bands import RescaleImage, StackBands, StackFolder
from ..geoseg_plugin.contract.stages.imagery import ClipRaster, DemoScene, MosaicRasters
from .base import StageAlgorithm


class DemoSceneAlgorithm(StageAlgorithm):
    """geoseg:demoscene."""

    stage = DemoScene


class ClipRasterAlgorithm(StageAlgorithm):
    """geoseg:clipraster."""

    stage = ClipRaster


class StackBandsAlgorithm(StageAlgorithm):
    """geoseg:stackbands."""

    stage = StackBands


class StackFolderAlgorithm(StageAlgorithm):
    """geoseg:stackfolder."""

    stage = StackFolder


class MosaicRastersAlgorithm(StageAlgorithm):
    """geoseg:mosaicrasters."""

    stage = MosaicRasters


class RescaleImageAlgorithm(StageAlgorithm):
    """geoseg:rescaleimage."""

    stage = RescaleImage
