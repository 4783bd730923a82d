"""Write resources/workflows/segmentation_chain.model3, the chain from labels to a map; runs in QGIS's Python."""

import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterField,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorLayer,
)
from qgis.PyQt.QtCore import QPointF

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "resources" / "workflows" / "segmentation_chain.model3"
NUMBER = QgsProcessingParameterNumber.Type.Integer
FROM_INPUT = QgsProcessingModelChildParameterSource.fromModelParameter
FROM_STEP = QgsProcessingModelChildParameterSource.fromChildOutput
FIXED = QgsProcessingModelChildParameterSource.fromStaticValue

INPUTS = (
    QgsProcessingParameterRasterLayer("IMAGE", "Training image"),
    QgsProcessingParameterVectorLayer("LABELS", "Labels", [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
    QgsProcessingParameterField("FIELD", "Class field", parentLayerParameterName="LABELS", optional=True),
    QgsProcessingParameterNumber(
        "TILE_SIZE", "Tile size (0: automatic) [pixels]", NUMBER, 0, minValue=0, maxValue=4096
    ),
    QgsProcessingParameterNumber("EPOCHS", "Epochs", NUMBER, 30, minValue=1, maxValue=100000),
    QgsProcessingParameterRasterLayer("MAP_IMAGE", "Image to map"),
)
# Step: title, algorithm, where its parameters come from, its results that the workflow gives back with their labels.
STEPS = {
    "rasterize": (
        "Rasterize labels",
        "geoseg:rasterizelabels",
        {
            "LABELS": [FROM_INPUT("LABELS")],
            "FIELD": [FROM_INPUT("FIELD")],
            "LIKE": [FROM_INPUT("IMAGE")],
        },
        {},
    ),
    "tiles": (
        "Make training tiles",
        "geoseg:maketiles",
        {
            "IMAGES": [FROM_INPUT("IMAGE")],
            "LABELS": [FROM_STEP("rasterize", "OUTPUT")],
            "TILE_SIZE": [FROM_INPUT("TILE_SIZE")],
        },
        {"dataset": ("OUTPUT", "Training tiles")},
    ),
    "train": (
        "Train segmentation",
        "geoseg:trainsegmentation",
        {"DATASET": [FROM_STEP("tiles", "OUTPUT")], "EPOCHS": [FROM_INPUT("EPOCHS")]},
        {"model": ("MODEL", "Model"), "report": ("REPORT", "Training report")},
    ),
    "predict": (
        "Predict segmentation",
        "geoseg:predictsegmentation",
        {"INPUT": [FROM_INPUT("MAP_IMAGE")], "MODEL": [FROM_STEP("train", "MODEL")]},
        {"classes": ("OUTPUT", "Class map"), "polygons": ("POLYGONS", "Class polygons")},
    ),
}
HELP = {
    "ALG_DESC": "From labels to a map in one run: the labels become class values on the grid of the training image, "
    "image and labels are cut into tiles, a U-Net learns from them, and the other image is mapped with it.",
    "ALG_CREATOR": "GeoSeg contributors",
    "IMAGE": "The image on which the labels were drawn.",
    "LABELS": "Polygons, lines or points of the classes.",
    "FIELD": "Whole numbers or texts that name the class; without it all features are one class.",
    "TILE_SIZE": "Width and height of a training tile; 0 takes 512 pixels, or less where the image is small.",
    "EPOCHS": "How often the network sees all training tiles.",
    "MAP_IMAGE": "The image to map, with the same bands as the training image; it may be the same image.",
    "tiles:dataset": "The folder of training tiles.",
    "train:model": "The trained model, for 'Predict segmentation'.",
    "train:report": "Curves, confusion matrix and example panels.",
    "predict:classes": "Class values on the grid of the image to map.",
    "predict:polygons": "Areas of one class with class, name, area and confidence.",
}
COLUMN_PX, ROW_PX, TOP_PX = 320, 110, 80


def main() -> int:
    """Write the workflow; return the exit code."""
    sys.path.insert(0, str(ROOT / "build" / "src"))
    application = QgsApplication([], False)
    application.initQgis()
    from geoseg.geoseg_plugin.plugin import GeosegPlugin

    plugin = GeosegPlugin()
    plugin.initProcessing()
    workflow = make_workflow()
    valid, problems = workflow.validate()
    if not valid:
        sys.exit("\n".join(problems))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    written = workflow.toFile(str(FILE))
    plugin.unload()
    del workflow
    application.exitQgis()
    return 0 if written else 1


def make_workflow() -> QgsProcessingModelAlgorithm:
    """Return the chain as a model."""
    workflow = QgsProcessingModelAlgorithm("segmentation_chain", "Workflows", "workflows")
    workflow.setHelpContent(HELP)
    for row, parameter in enumerate(INPUTS):
        component = QgsProcessingModelParameter(parameter.name())
        component.setDescription(parameter.description())
        component.setPosition(QPointF(0, TOP_PX + row * ROW_PX))
        workflow.addModelParameter(parameter, component)
    workflow.setParameterOrder([parameter.name() for parameter in INPUTS])
    for column, (name, step) in enumerate(STEPS.items(), 1):
        workflow.addChildAlgorithm(make_step(name, step, column))
    workflow.updateDestinationParameters()
    return workflow


def make_step(name: str, step: tuple, column: int) -> QgsProcessingModelChildAlgorithm:
    """Return one step with its sources, its place and its results."""
    title, algorithm, sources, results = step
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(name)
    child.setDescription(title)
    left, top = column * COLUMN_PX, TOP_PX + column * ROW_PX
    child.setPosition(QPointF(left, top))
    for parameter, source in sources.items():
        child.addParameterSources(parameter, source)
    for definition in child.algorithm().parameterDefinitions():
        if definition.name() not in sources and not definition.isDestination():
            child.addParameterSources(definition.name(), [FIXED(definition.defaultValue())])
    outputs = {}
    for row, (result, (source, label)) in enumerate(results.items()):
        output = QgsProcessingModelOutput(result, label)
        output.setChildId(name)
        output.setChildOutputName(source)
        output.setPosition(QPointF(left + 60, top + (row + 1) * ROW_PX * 0.8))
        output.setMandatory(result in ("model", "classes"))
        outputs[result] = output
    child.setModelOutputs(outputs)
    return child


if __name__ == "__main__":
    sys.exit(main())
