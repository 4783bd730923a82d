"""The Toolbox face of a stage: everything that QGIS shows and asks comes from the stage's declaration."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Tuple, Type

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingUtils,
)
from qgis.PyQt.QtGui import QIcon

from ..geoseg_plugin.contract.about import reference
from ..geoseg_plugin.contract.errors import GeosegError, RequestError
from ..geoseg_plugin.contract.events import Report
from ..geoseg_plugin.contract.fields import OUTPUT_KINDS, Kind, fields_of
from ..geoseg_plugin.contract.stages.stage import Stage
from ..geoseg_plugin.host.addresses import open_addresses
from ..geoseg_plugin.host.environment import ROOT, engine_python
from ..geoseg_plugin.host.feedback import FeedbackReport
from ..geoseg_plugin.host.inputs import ParameterReader
from ..geoseg_plugin.host.job import run_job
from ..geoseg_plugin.host.settings import chosen_python
from ..geoseg_plugin.host.style import style_when_loaded
from .outputs import make_output
from .parameters import make_parameter
from .words import help_html, translate

ICONS = ROOT / "resources" / "icons"

_LASTING_KINDS = frozenset({Kind.FILE_OUT, Kind.FOLDER_OUT})


class StageAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that runs its `stage` in a worker. Subclasses name the stage.

    QGIS calls prepareAlgorithm on the main thread, where layers are turned into a request; processAlgorithm may run on
    another thread and touches only that request and the feedback.
    """

    stage: ClassVar[Type[Stage]]

    def __init__(self) -> None:
        super().__init__()
        self._request: Optional[Stage] = None
        self._python: Optional[Path] = None
        self._to_load: Dict[str, QgsProcessingContext.LayerDetails] = {}

    def createInstance(self) -> StageAlgorithm:
        """Return a fresh algorithm; QGIS takes one for every run."""
        return type(self)()

    def name(self) -> str:
        """Return the fixed id."""
        return self.stage.id()

    def displayName(self) -> str:
        """Return the translated title."""
        return translate(self.stage.title)

    def group(self) -> str:
        """Return the translated name of the Toolbox group."""
        return translate(self.stage.group)

    def groupId(self) -> str:
        """Return the fixed id of the Toolbox group."""
        return self.stage.group.lower()

    def tags(self) -> List[str]:
        """Return further words under which people look for it."""
        return [translate(tag) for tag in self.stage.tags]

    def shortDescription(self) -> str:
        """Return the first sentence of the help."""
        return translate(" ".join(self.stage.help_text().split("\n\n")[0].split()))

    def shortHelpString(self) -> str:
        """Return the help page."""
        return help_html(self.stage)

    def helpUrl(self) -> str:
        """Return the address of the reference."""
        return f"{reference()}#{self.stage.command()}"

    def icon(self) -> QIcon:
        """Return the icon of the group."""
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        """Return the path of the group's icon."""
        return str(ICONS / f"{self.groupId()}.svg")

    def initAlgorithm(self, configuration: Optional[Dict[str, Any]] = None) -> None:
        """Declare parameters and outputs."""
        declared = fields_of(self.stage)
        for field in declared:
            self.addParameter(make_parameter(field))
        destinations = {field.name for field in declared if field.kind in OUTPUT_KINDS}
        for field in fields_of(self.stage.result):
            if field.name not in destinations:
                self.addOutput(make_output(field))

    def createCustomParametersWidget(self, parent: Any = None) -> None:
        """Let QGIS make its own dialog, and show in it what is to know of choices; QGIS calls it just before."""
        from .choice_notes import note_next_dialog  # widgets, which only dialogs need

        note_next_dialog(self.stage)

    def needs_engine(self) -> bool:
        """Tell whether the engine must be there; all but its installation need it."""
        return True

    def _engine_python(self) -> Optional[Path]:
        return engine_python(chosen_python()) if self.needs_engine() else None

    def canExecute(self) -> Tuple[bool, str]:
        """Tell whether the engine is there; QGIS asks in the Toolbox only."""
        try:
            self._engine_python()
        except GeosegError as error:
            return False, str(error)
        return True, ""

    def checkParameterValues(self, parameters: Dict[str, Any], context: QgsProcessingContext) -> Tuple[bool, str]:
        """Say which value is not acceptable and why, where QGIS would say only which."""
        unknown = sorted(set(parameters) - {field.parameter for field in fields_of(self.stage)})
        if unknown:
            known = ", ".join(field.parameter for field in fields_of(self.stage))
            return False, f"{self.id()} has no parameter {', '.join(unknown)}. Its parameters are {known}."
        try:
            self._engine_python()
            ParameterReader(self, parameters, context).check(self.stage)
        except GeosegError as error:
            return False, str(error)
        rasters = {one.parameter for one in fields_of(self.stage) if one.kind in (Kind.RASTER, Kind.LAYERS)}
        opened = {name: open_addresses(value) if name in rasters else value for name, value in parameters.items()}
        answer: Tuple[bool, str] = super().checkParameterValues(opened, context)
        return answer

    def prepareAlgorithm(
        self, parameters: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Build the request, on the main thread."""
        with processing_errors():
            # Again what checkParameterValues has checked: inside a model nobody asks for that.
            self._python = self._engine_python()
            self._request = ParameterReader(self, parameters, context).request(self.stage)
            self._to_load = context.layersToLoadOnCompletion()
            self._warn_about_temporary_results(feedback)
        return True

    def processAlgorithm(
        self, parameters: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        """Run the request and return every declared output."""
        request = self._request
        with processing_errors():
            if request is None:
                raise RequestError("The algorithm was not prepared.")
            result = self.perform(request, FeedbackReport(feedback))
        outputs = {field.name: getattr(result, field.name) for field in fields_of(result)}
        for field in fields_of(request):
            path = getattr(request, field.name)
            # A cancelled training has written no report, though one was asked for.
            if field.kind in OUTPUT_KINDS and outputs[field.name] is not None:
                # QGIS knows its layers by the text that it gave.
                outputs[field.name] = path
                # In a background task this is another context than that of prepareAlgorithm.
                if path in self._to_load and not context.willLoadLayerOnCompletion(path):
                    context.addLayerToLoadOnCompletion(path, self._to_load[path])
                style_when_loaded(context, path, request)
        self.finish(outputs, context, feedback)
        return {name.upper(): value for name, value in outputs.items()}

    def perform(self, request: Stage, report: Report) -> Any:
        """Do the work and return its Result dataclass."""
        return run_job(request, report, self._python or Path())

    def finish(self, outputs: Dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> None:
        """Do what is special after success; subclasses override it.

        Args:
            outputs: Results by field name.
            context: The context of the run.
            feedback: The feedback of the run.
        """

    def _warn_about_temporary_results(self, feedback: QgsProcessingFeedback) -> None:
        temporary = Path(QgsProcessingUtils.tempFolder())
        for field in fields_of(self.stage):
            path = getattr(self._request, field.name)
            if field.kind in _LASTING_KINDS and path and temporary in Path(path).parents:
                feedback.pushWarning(
                    translate("{name} is temporary and goes when QGIS is closed: {path}").format(
                        name=field.parameter, path=path
                    )
                )


@contextlib.contextmanager
def processing_errors() -> Iterator[None]:
    """Turn GeoSeg's errors into the one kind that Processing shows without a traceback."""
    try:
        yield
    except GeosegError as error:
        raise QgsProcessingException(str(error)) from error
