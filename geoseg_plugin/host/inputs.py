"""Turns Processing parameters into the plain values of a stage request.

Runs on the main thread (prepareAlgorithm), because it touches layers and the project.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Type

from qgis.core import (
    NULL,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameters,
    QgsProperty,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ..contract.errors import InputError, RequestError
from ..contract.fields import OUTPUT_KINDS, Extent, Field, Kind, fields_of
from ..contract.stages import build
from ..contract.stages.stage import Stage
from .addresses import RASTER_PROVIDER, open_addresses
from .vectors import plain_vector_source, read_vector


class ParameterReader:
    """Reads the parameters of one run of an algorithm.

    Args:
        algorithm: The algorithm, for QGIS's own evaluation of parameters.
        parameters: Values by parameter name, as Processing gives them.
        context: The context of the run.
    """

    def __init__(
        self, algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any], context: QgsProcessingContext
    ) -> None:
        self._algorithm = algorithm
        self._parameters = parameters
        self._context = context

    def request(self, stage: Type[Stage]) -> Stage:
        """Return the validated request.

        Raises:
            RequestError: A value is missing or not acceptable.
            InputError: A layer cannot be handed to the engine.
        """
        return build(stage.id(), {field.name: self.value(field) for field in fields_of(stage)})

    def value(self, field: Field) -> Any:
        """Return the plain value of one field; None where none was given."""
        if not self.is_given(field):
            return None if field.default is None else field.default
        reader: Callable[[Field], Any] = {
            Kind.RASTER: self._raster,
            Kind.VECTOR: self._vector,
            Kind.LAYERS: self._layers,
            Kind.EXTENT: self._extent,
            Kind.NUMBER: self._number,
            Kind.CHOICE: self._choice,
            Kind.FLAG: self._flag,
            Kind.FILE: self._file,
            Kind.FOLDER: self._file,
            Kind.RASTER_OUT: self._layer_output,
            Kind.VECTOR_OUT: self._layer_output,
            Kind.FILE_OUT: self._file_output,
            Kind.FOLDER_OUT: self._file_output,
        }.get(field.kind, self._text)
        return reader(field)

    def is_given(self, field: Field) -> bool:
        """Tell whether a parameter has a value; unset ones come as None, NULL, "", [] or [NULL]."""
        value = self._parameters.get(field.parameter)
        return any(item not in (None, NULL, "") for item in _listed(value))

    def check(self, stage: Type[Stage]) -> None:
        """Check all values as `request` does, but export no layer and lay claim to no output.

        Raises:
            RequestError: A value is missing or not acceptable.
            InputError: A layer cannot be opened or handed to the engine.
        """
        build(stage.id(), {field.name: self._draft(field) for field in fields_of(stage)})

    def _draft(self, field: Field) -> Any:
        """Return a value that is as good as the real one for checking."""
        if not self.is_given(field):
            return field.default
        value = self._parameters[field.parameter]
        if field.kind is Kind.VECTOR:
            return self._vector_layer(field).source()
        if field.kind is Kind.LAYERS and field.accepts != "file":
            return [layer.source() for layer in self._layer_list(field)]
        if field.kind in OUTPUT_KINDS:
            path = _static(getattr(value, "sink", value))
            is_temporary = path == QgsProcessing.TEMPORARY_OUTPUT
            return field.name + "".join(field.accepted_suffixes[:1]) if is_temporary else str(path)
        # As given, because QGIS would round a fraction and put the default in the place of nonsense.
        as_given = field.kind in (Kind.NUMBER, Kind.CHOICE, Kind.FLAG) and isinstance(value, (str, int, float))
        return value if as_given else self.value(field)

    def _raster_layer(self, field: Field) -> QgsRasterLayer:
        parameters = self._with_layers(field)
        layer = self._algorithm.parameterAsRasterLayer(parameters, field.parameter, self._context)
        if layer is None:
            raise self._not_loadable(field, self._parameters[field.parameter], "raster")
        return layer

    def _with_layers(self, field: Field) -> Dict[str, Any]:
        return {**self._parameters, field.parameter: open_addresses(self._parameters[field.parameter])}

    def _vector_layer(self, field: Field) -> QgsVectorLayer:
        definition, value = self._algorithm.parameterDefinition(field.parameter), self._parameters[field.parameter]
        if isinstance(value, QgsProcessingFeatureSourceDefinition):
            value = value.source
        layer = QgsProcessingParameters.parameterAsVectorLayer(definition, value, self._context)
        if layer is None:
            raise self._not_loadable(field, value, "vector layer")
        return layer

    def _layer_list(self, field: Field) -> List[QgsMapLayer]:
        definition = self._algorithm.parameterDefinition(field.parameter)
        parameters = self._with_layers(field)
        layers = QgsProcessingParameters.parameterAsLayerList(definition, parameters, self._context)
        given = self._parameters[field.parameter]
        if any(isinstance(one, QgsProcessingFeatureSourceDefinition) for one in _listed(given)):
            raise InputError(
                f"{field.parameter} ({field.label}) takes whole layers, not the selected features of one.",
                "Save these as a layer of their own first.",
            )
        if isinstance(given, (list, tuple)) and len(layers) < len(given):
            found = {layer.source() for layer in layers} | {layer.id() for layer in layers}
            missing = [item for item in given if isinstance(item, str) and item not in found]
            raise self._not_loadable(field, missing[0] if missing else given, "layer")
        if not layers:
            raise self._not_loadable(field, given, "layer")
        return layers

    def _raster(self, field: Field) -> str:
        return raster_source(self._raster_layer(field), field)

    def _vector(self, field: Field) -> str:
        layer = self._vector_layer(field)
        return read_vector(self._algorithm, self._parameters, field, layer, self._context)

    def _layers(self, field: Field) -> List[str]:
        if field.accepts == "file":
            return self._files(field)
        return [self._layer_source(layer, field) for layer in self._layer_list(field)]

    def _files(self, field: Field) -> List[str]:
        # QGIS reads lists of files alone this way since 3.10; a text alone is taken as one file.
        return [
            str(path) for path in self._algorithm.parameterAsFileList(self._parameters, field.parameter, self._context)
        ]

    def _layer_source(self, layer: QgsMapLayer, field: Field) -> str:
        if isinstance(layer, QgsVectorLayer):
            return plain_vector_source(layer, field, self._context)
        if isinstance(layer, QgsRasterLayer):
            return raster_source(layer, field)
        raise InputError(f"{field.parameter}: '{layer.name()}' is neither a raster nor a vector layer.")

    def _extent(self, field: Field) -> str:
        value = self._parameters[field.parameter]
        text = str(value) if isinstance(value, str) else ""
        if _is_extent(text):
            # As written: without a CRS it means the CRS of the raster, where QGIS would put the project's.
            return text
        rectangle = self._algorithm.parameterAsExtent(self._parameters, field.parameter, self._context)
        if rectangle.isNull():
            raise RequestError(
                f"{field.parameter}: the extent '{value}' cannot be read.",
                "Write it as xmin,xmax,ymin,ymax [EPSG:code].",
            )
        crs = self._algorithm.parameterAsExtentCrs(self._parameters, field.parameter, self._context)
        code = crs.authid()
        if crs.isValid() and (not code or code.startswith("USER:")):
            code = crs.toWkt()
        sides = (rectangle.xMinimum(), rectangle.xMaximum(), rectangle.yMinimum(), rectangle.yMaximum())
        return ",".join(repr(side) for side in sides) + (f" [{code}]" if code else "")

    def _number(self, field: Field) -> float:
        return float(self._algorithm.parameterAsDouble(self._parameters, field.parameter, self._context))

    def _choice(self, field: Field) -> str:
        # Not parameterAsEnumString, which takes the default where a value is none of the choices.
        return str(self._algorithm.parameterAsString(self._parameters, field.parameter, self._context))

    def _flag(self, field: Field) -> bool:
        return bool(self._algorithm.parameterAsBoolean(self._parameters, field.parameter, self._context))

    def _text(self, field: Field) -> str:
        return str(self._algorithm.parameterAsString(self._parameters, field.parameter, self._context))

    def _file(self, field: Field) -> str:
        return str(self._algorithm.parameterAsFile(self._parameters, field.parameter, self._context))

    def _layer_output(self, field: Field) -> Optional[str]:
        path = self._algorithm.parameterAsOutputLayer(self._parameters, field.parameter, self._context)
        return str(path) if path else None

    def _file_output(self, field: Field) -> Optional[str]:
        path = self._algorithm.parameterAsFileOutput(self._parameters, field.parameter, self._context)
        return str(path) if path else None

    @staticmethod
    def _not_loadable(field: Field, value: Any, what: str) -> InputError:
        return InputError(
            f"{field.parameter} ({field.label}): '{_static(value)}' cannot be opened as a {what}.",
            "Check that the file exists and is not damaged.",
        )


def raster_source(layer: QgsRasterLayer, field: Field) -> str:
    """Return what GDAL opens for a raster layer (a path, /vsi path or subdataset).

    Raises:
        InputError: The layer comes from a web service or a database.
    """
    if layer.providerType() != RASTER_PROVIDER:
        raise InputError(
            f"{field.parameter}: the layer '{layer.name()}' comes from a '{layer.providerType()}' source, not a file.",
            "Export it to GeoTIFF first (Export > Save As).",
        )
    return str(layer.source()).split("|")[0]


def _listed(value: Any) -> List[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _static(value: Any) -> Any:
    return value.staticValue() if isinstance(value, QgsProperty) else value


def _is_extent(text: str) -> bool:
    try:
        Extent.parse(text)
    except RequestError:
        return False
    return True
