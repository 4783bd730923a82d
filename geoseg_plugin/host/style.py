"""Result layers arrive with the style that lies beside their file, and with a word about where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, List

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
)

from ..contract.stages import to_json
from ..contract.stages.stage import Stage


class LayerStyler(QgsProcessingLayerPostProcessorInterface):
    """Styles one result layer once it is in the project.

    QGIS keeps no reference to a post-processor that is written in Python; without `_waiting` only the last of several
    would be there when its layer is loaded.

    Args:
        path: The file of the layer; its style is the .qml beside it.
        request: What made it, for the layer's metadata.
    """

    _waiting: ClassVar[List[LayerStyler]] = []

    def __init__(self, path: str, request: Stage) -> None:
        super().__init__()
        self._style = Path(path).with_suffix(".qml")
        self._request = request
        self._waiting.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Load the style and note the request in the metadata of the layer; called by QGIS on the main thread."""
        if self._style.is_file():
            message, loaded = layer.loadNamedStyle(str(self._style))
            if not loaded:
                feedback.pushWarning(f"The style {self._style} cannot be loaded: {message}")
            layer.triggerRepaint()
        metadata = layer.metadata()
        metadata.setAbstract(f"Made by GeoSeg, '{self._request.title}'.")
        metadata.addHistoryItem(json.dumps(to_json(self._request), ensure_ascii=False))
        layer.setMetadata(metadata)
        self._waiting.remove(self)


def style_when_loaded(context: QgsProcessingContext, path: str, request: Stage) -> None:
    """Have a result layer styled, if QGIS is going to load it."""
    if context.willLoadLayerOnCompletion(path):
        context.layerToLoadOnCompletionDetails(path).setPostProcessor(LayerStyler(path, request))
