"""The Processing parameter for every kind of field. Old class names with scoped members run from QGIS 3.22 to 4.x."""

from __future__ import annotations

from typing import Any, Callable, Dict

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..geoseg_plugin.contract.fields import OUTPUT_KINDS, Field, Kind
from .words import translate

_SOURCE = QgsProcessing.SourceType
_NUMBER = QgsProcessingParameterNumber.Type
_FILE = QgsProcessingParameterFile.Behavior


def make_parameter(field: Field) -> QgsProcessingParameterDefinition:
    """Return the Processing parameter for a declared field, with label, help, default, range and flags."""
    label = translate(field.label)
    if field.unit:
        label = f"{label} [{field.unit}]"
    parameter = _MAKERS[field.kind](field, label)
    parameter.setHelp(parameter_help(field))
    if field.advanced:
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    if field.kind in OUTPUT_KINDS and field.optional:
        parameter.setCreateByDefault(False)
    return parameter


def parameter_help(field: Field) -> str:
    """Return the help of a field with its range, translated."""
    text = translate(field.help)
    if field.range_text():
        text = f"{text} {translate('Range')}: {field.range_text()}."
    return text


def _raster(field: Field, label: str) -> Any:
    return QgsProcessingParameterRasterLayer(field.parameter, label, optional=field.optional)


def _vector(field: Field, label: str) -> Any:
    kinds = [_SOURCE.TypeVectorAnyGeometry]
    return QgsProcessingParameterFeatureSource(field.parameter, label, kinds, optional=field.optional)


def _layers(field: Field, label: str) -> Any:
    kind = {"raster": _SOURCE.TypeRaster, "vector": _SOURCE.TypeVectorAnyGeometry, "file": _SOURCE.TypeFile}.get(
        field.accepts, _SOURCE.TypeMapLayer
    )
    return QgsProcessingParameterMultipleLayers(field.parameter, label, kind, optional=field.optional)


def _field(field: Field, label: str) -> Any:
    return QgsProcessingParameterField(
        field.parameter, label, parentLayerParameterName=field.parent.upper(), optional=field.optional
    )


def _extent(field: Field, label: str) -> Any:
    return QgsProcessingParameterExtent(field.parameter, label, optional=field.optional)


def _number(field: Field, label: str) -> Any:
    kind = _NUMBER.Integer if field.integer else _NUMBER.Double
    limits: Dict[str, float] = {}
    if field.minimum is not None:
        limits["minValue"] = field.minimum
    if field.maximum is not None:
        limits["maxValue"] = field.maximum
    return QgsProcessingParameterNumber(field.parameter, label, kind, field.default, field.optional, **limits)


def _choice(field: Field, label: str) -> Any:
    # Names, not positions, are stored in models and scripts.
    return QgsProcessingParameterEnum(
        field.parameter, label, list(field.choices), defaultValue=field.default, optional=field.optional,
        usesStaticStrings=True,
    )  # fmt: skip


def _flag(field: Field, label: str) -> Any:
    return QgsProcessingParameterBoolean(field.parameter, label, field.default, field.optional)


def _text(field: Field, label: str) -> Any:
    return QgsProcessingParameterString(field.parameter, label, field.default, optional=field.optional)


def _file(field: Field, label: str) -> Any:
    return QgsProcessingParameterFile(
        field.parameter, label, _FILE.File, optional=field.optional, fileFilter=_file_filter(field)
    )


def _folder(field: Field, label: str) -> Any:
    return QgsProcessingParameterFile(field.parameter, label, _FILE.Folder, optional=field.optional)


def _raster_out(field: Field, label: str) -> Any:
    return QgsProcessingParameterRasterDestination(field.parameter, label, optional=field.optional)


def _vector_out(field: Field, label: str) -> Any:
    return QgsProcessingParameterVectorDestination(field.parameter, label, optional=field.optional)


def _file_out(field: Field, label: str) -> Any:
    return QgsProcessingParameterFileDestination(field.parameter, label, _file_filter(field), optional=field.optional)


def _folder_out(field: Field, label: str) -> Any:
    return QgsProcessingParameterFolderDestination(field.parameter, label, optional=field.optional)


def _file_filter(field: Field) -> str:
    if not field.suffixes:
        return f"{translate('All files')} (*.*)"
    # The order matters: the first is the suffix of a temporary output.
    return f"{translate(field.label)} ({' '.join('*' + suffix for suffix in field.suffixes)})"


_MAKERS: Dict[Kind, Callable[[Field, str], Any]] = {
    Kind.RASTER: _raster,
    Kind.VECTOR: _vector,
    Kind.LAYERS: _layers,
    Kind.FIELD: _field,
    Kind.EXTENT: _extent,
    Kind.NUMBER: _number,
    Kind.CHOICE: _choice,
    Kind.FLAG: _flag,
    Kind.TEXT: _text,
    Kind.FILE: _file,
    Kind.FOLDER: _folder,
    Kind.RASTER_OUT: _raster_out,
    Kind.VECTOR_OUT: _vector_out,
    Kind.FILE_OUT: _file_out,
    Kind.FOLDER_OUT: _folder_out,
}
