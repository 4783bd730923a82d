"""Labels to a split, checked dataset as a graphical model, saved to a file and run by qgis_process."""

import json

import pytest
from geoseg.tests.e2e.layers import read_table
from qgis.core import (
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorLayer,
)

FROM_INPUT = QgsProcessingModelChildParameterSource.fromModelParameter
FROM_STEP = QgsProcessingModelChildParameterSource.fromChildOutput
FIXED = QgsProcessingModelChildParameterSource.fromStaticValue
STEPS = {
    "burn": ("rasterizelabels", {
        "LABELS": FROM_INPUT("labels"), "FIELD": FIXED("class"), "LIKE": FROM_INPUT("image"),
        "CLASSES": FIXED("1 building; 2 other = field, road, tree, water"),
    }, {"labels": "OUTPUT", "instances": "INSTANCES"}),
    "tiles": ("maketiles", {
        "IMAGES": FROM_INPUT("image"), "LABELS": FROM_STEP("burn", "OUTPUT"), "TILE_SIZE": FIXED(64),
        "OVERLAP": FIXED(0), "VALIDATION": FIXED(0),
    }, {"dataset": "OUTPUT"}),
    "measure": ("tilestatistics", {
        "DATASET": FROM_STEP("tiles", "OUTPUT"), "FOLDS": FIXED("spatial blocks"), "FOLD_COUNT": FIXED(3),
    }, {"folds": "TILES"}),
    "split": ("splitdataset", {
        "DATASET": FROM_STEP("tiles", "OUTPUT"), "METHOD": FIXED("fold"), "LAYER": FROM_STEP("measure", "TILES"),
        "VALIDATION_NAMES": FIXED("1"),
    }, {"split": "OUTPUT"}),
    "check": ("checkdataset", {"DATASET": FROM_STEP("split", "OUTPUT")}, {"report": "REPORT"}),
}  # fmt: skip


@pytest.fixture
def model(provider, tmp_path):
    """The path of the saved model."""
    made = QgsProcessingModelAlgorithm("dataset", "tests")
    for parameter in (
        QgsProcessingParameterRasterLayer("image", "Image"),
        QgsProcessingParameterVectorLayer("labels", "Labels", [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
    ):
        made.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))
    for step, (algorithm, values, results) in STEPS.items():
        child = QgsProcessingModelChildAlgorithm(f"geoseg:{algorithm}")
        child.setChildId(step)
        for name, source in values.items():
            child.addParameterSources(name, [source])
        finals = {}
        for name, output in results.items():
            finals[name] = QgsProcessingModelOutput(name, name)
            finals[name].setChildId(step)
            finals[name].setChildOutputName(output)
        child.setModelOutputs(finals)
        made.addChildAlgorithm(child)
    path = tmp_path / "dataset.model3"
    assert made.toFile(str(path))
    return path


def test_labels_become_a_checked_dataset(qgis_process, chain, model, tmp_path):
    results = qgis_process.results(
        str(model),
        {
            "image": chain.folder / "west.tif", "labels": chain.folder / "labels.shp",
            "burn:labels": tmp_path / "labels.tif", "burn:instances": tmp_path / "instances.tif",
            "tiles:dataset": tmp_path / "dataset", "measure:folds": tmp_path / "folds.gpkg",
            "split:split": tmp_path / "split", "check:report": tmp_path / "check.html",
        },
    )  # fmt: skip
    assert results["split:split"] == str(tmp_path / "split")
    classes = json.loads((tmp_path / "split" / "dataset.json").read_text(encoding="utf-8"))["classes"]
    assert [one["name"] for one in classes] == ["background", "building", "other"]
    folds = {row["tile"]: row["fold"] for row in read_table(tmp_path / "folds.gpkg")}
    splits = {row["tile"]: row["split"] for row in read_table(tmp_path / "split" / "tiles.gpkg")}
    assert {tile for tile, split in splits.items() if split == "validation"} == {
        tile for tile, fold in folds.items() if fold == 1
    }
    assert "train" in splits.values()
    assert "<html" in (tmp_path / "check.html").read_text(encoding="utf-8")
