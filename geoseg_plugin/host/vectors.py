"""Vector layers as files: as they are where the engine can read them so, else exported to a temporary GeoPackage."""

from __future__ import annotations

from typing import Any, Dict, Iterable

from qgis.core import (
    NULL,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from ..contract.errors import InputError
from ..contract.fields import Field

_FILE_PROVIDER = "ogr"
# So that a column called fid stays an attribute like others, whatever its values.
_ID_COLUMN = "geoseg_fid"


def read_vector(
    algorithm: QgsProcessingAlgorithm,
    parameters: Dict[str, Any],
    field: Field,
    layer: QgsVectorLayer,
    context: QgsProcessingContext,
) -> str:
    """Return "path" or "path|layername=NAME" for a feature source parameter, with its selection and filters applied.

    Raises:
        InputError: No feature is selected where only those are asked for, or the features cannot be exported.
    """
    value = parameters[field.parameter]
    if not _restricts(value):
        return plain_vector_source(layer, field, context)
    if value.selectedFeaturesOnly and layer.selectedFeatureCount() == 0:
        raise InputError(
            f"{field.parameter} ({field.label}): no feature of the layer '{layer.name()}' is selected.",
            "Select some, or untick 'Selected features only'.",
        )
    source = algorithm.parameterAsSource(parameters, field.parameter, context)
    # Whether a geometry is valid is for the engine to see, as with layers that are not exported.
    features = source.getFeatures(QgsFeatureRequest(), QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks)
    return _export(layer, features, field, context)


def plain_vector_source(layer: QgsVectorLayer, field: Field, context: QgsProcessingContext) -> str:
    """Return "path" or "path|layername=NAME" with all features of a layer, exported unless its file says the same.

    Raises:
        InputError: The features cannot be exported.
    """
    if layer.providerType() == _FILE_PROVIDER and not _differs_from_its_file(layer):
        parts = QgsProviderRegistry.instance().decodeUri(_FILE_PROVIDER, layer.source())
        given = {key: value for key, value in parts.items() if value not in (None, NULL, "", [])}
        # A geometry type, an option or a place inside an archive says more than these two can.
        if "path" in given and given.keys() <= {"path", "layerName"}:
            path, name = given["path"], given.get("layerName")
            return f"{path}|layername={name}" if name else str(path)
    return _export(layer, layer.getFeatures(), field, context)


def _restricts(value: Any) -> bool:
    """Tell whether a parameter value asks for some of the features only."""
    if not isinstance(value, QgsProcessingFeatureSourceDefinition):
        return False
    return value.selectedFeaturesOnly or value.featureLimit >= 0 or bool(getattr(value, "filterExpression", ""))


def _differs_from_its_file(layer: QgsVectorLayer) -> bool:
    """Tell whether a layer is filtered, being edited, or has joined or computed fields."""
    fields = layer.fields()
    origins = {fields.fieldOrigin(index) for index in range(fields.count())}
    computed = {QgsFields.FieldOrigin.OriginJoin, QgsFields.FieldOrigin.OriginExpression}
    return bool(layer.subsetString()) or layer.isModified() or bool(origins & computed)


def _export(layer: QgsVectorLayer, features: Iterable[QgsFeature], field: Field, context: QgsProcessingContext) -> str:
    """Write features of a layer into a temporary GeoPackage that lives until QGIS closes."""
    path = QgsProcessingUtils.generateTempFilename("features.gpkg")
    name = layer.name().replace("|", "_") or "features"
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = name
    options.layerOptions = [f"FID={_ID_COLUMN}"]
    writer = QgsVectorFileWriter.create(
        path, layer.fields(), layer.wkbType(), layer.crs(), context.transformContext(), options
    )
    for feature in features:
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            break
    # Flushing belongs to the success: a full disk shows only here.
    writer.flushBuffer()
    message = writer.errorMessage()
    del writer
    if message:
        raise InputError(
            f"{field.parameter}: the layer '{layer.name()}' cannot be exported: {message}",
            "Save it as a GeoPackage and use that.",
        )
    return f"{path}|layername={name}"
