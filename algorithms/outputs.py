"""The Processing output for every kind of result that has no destination parameter of its own."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingOutputDefinition,
    QgsProcessingOutputFile,
    QgsProcessingOutputFolder,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingOutputVectorLayer,
)

from ..geoseg_plugin.contract.fields import Field, Kind
from .words import translate

_OUTPUTS = {
    Kind.RASTER: QgsProcessingOutputRasterLayer,
    Kind.VECTOR: QgsProcessingOutputVectorLayer,
    Kind.FILE: QgsProcessingOutputFile,
    Kind.FOLDER: QgsProcessingOutputFolder,
    Kind.NUMBER: QgsProcessingOutputNumber,
    Kind.TEXT: QgsProcessingOutputString,
}


def make_output(field: Field) -> QgsProcessingOutputDefinition:
    """Return the Processing output for a declared result."""
    return _OUTPUTS[field.kind](field.parameter, translate(field.label))
