"""The algorithms as the Toolbox runs them: in a background task, with layers as input, results loaded and styled."""

import pytest
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer

LIMIT_MS = 120_000


def run_in_task(algorithm, parameters, context, feedback=None):
    """Run an algorithm in a background task; return whether it succeeded, its results and what it said."""
    feedback = feedback or QgsProcessingFeedback()
    found = QgsApplication.processingRegistry().algorithmById(algorithm).create()
    task = QgsProcessingAlgRunnerTask(found, parameters, context, feedback)
    loop = QEventLoop()
    outcome = []
    task.executed.connect(lambda succeeded, results: (outcome.append((succeeded, results)), loop.quit()))
    QTimer.singleShot(LIMIT_MS, loop.quit)
    QgsApplication.taskManager().addTask(task)
    if not outcome:
        loop.exec_()
    assert outcome, "The task did not end."
    return *outcome[0], feedback.textLog()


@pytest.fixture
def context(qgis_new_project):
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return context


@pytest.fixture
def drawn(chain):
    """Two rectangles drawn into a memory layer over the western part: one building selected, one field not."""
    extent = QgsRasterLayer(str(chain.folder / "west.tif")).extent()
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633&field=class:string", "drawn", "memory")
    for name, left in (("building", extent.xMinimum() + 5), ("field", extent.xMinimum() + 50)):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([name])
        bottom = extent.yMinimum() + 10
        corners = f"{left} {bottom}, {left + 20} {bottom}, {left + 20} {bottom + 20}, {left} {bottom + 20}"
        feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({corners}, {left} {bottom}))"))
        layer.dataProvider().addFeatures([feature])
    return layer


def test_a_map_is_made_in_the_background_and_arrives_styled(provider, chain, context, tmp_path):
    from processing.gui.Postprocessing import handleAlgorithmResults

    image = QgsRasterLayer(str(chain.folder / "east.tif"), "east")
    QgsProject.instance().addMapLayer(image)
    outputs = {"OUTPUT": str(tmp_path / "classes.tif"), "POLYGONS": str(tmp_path / "polygons.gpkg")}
    # As a dialog asks for results that it opens afterwards.
    asked = {name: QgsProcessingOutputLayerDefinition(path, QgsProject.instance()) for name, path in outputs.items()}
    parameters = {"INPUT": image, "MODEL": str(chain.folder / "model.safetensors"), **asked}
    succeeded, results, log = run_in_task("geoseg:predictsegmentation", parameters, context)
    assert succeeded, log
    algorithm, feedback = provider.algorithm("predictsegmentation"), QgsProcessingFeedback()
    assert handleAlgorithmResults(algorithm, context, feedback, False), feedback.textLog()
    loaded = {layer.source().split("|")[0]: layer for layer in QgsProject.instance().mapLayers().values()}
    raster, polygons = loaded[outputs["OUTPUT"]], loaded[outputs["POLYGONS"]]
    assert raster.renderer().type() == "paletted"
    assert polygons.renderer().type() == "categorizedSymbol"
    assert results["MEAN_CONFIDENCE"] > 0


def test_drawn_features_train_without_being_saved_first(provider, chain, context, drawn, tmp_path):
    image = str(chain.folder / "west.tif")
    label = str(tmp_path / "labels.tif")
    succeeded, results, log = run_in_task(
        "geoseg:rasterizelabels", {"LABELS": drawn, "FIELD": "class", "LIKE": image, "OUTPUT": label}, context
    )
    assert succeeded, log
    assert results["CLASS_COUNT"] == 3
    succeeded, results, log = run_in_task(
        "geoseg:maketiles",
        {"IMAGES": [image], "LABELS": [label], "TILE_SIZE": 64, "OUTPUT": str(tmp_path / "dataset")},
        context,
    )
    assert succeeded, log
    model = str(tmp_path / "model.safetensors")
    succeeded, results, log = run_in_task(
        "geoseg:trainsegmentation", {"DATASET": results["OUTPUT"], "EPOCHS": 1, "MODEL": model}, context
    )
    assert succeeded, log
    assert (tmp_path / "model.safetensors").is_file()


def test_a_failure_in_the_background_says_why(provider, chain, context, tmp_path):
    parameters = {
        "INPUT": str(chain.folder / "west_labels.tif"),
        "MODEL": str(chain.folder / "model.safetensors"),
        "OUTPUT": str(tmp_path / "classes.tif"),
    }
    succeeded, _, log = run_in_task("geoseg:predictsegmentation", parameters, context)
    assert not succeeded
    assert "band" in log
    assert not list(tmp_path.iterdir())


def test_cancelling_a_task_ends_it(provider, chain, context, tmp_path):
    feedback = QgsProcessingFeedback()
    QTimer.singleShot(4000, feedback.cancel)
    parameters = {
        "DATASET": str(chain.folder / "dataset"),
        "EPOCHS": 10000,
        "MODEL": str(tmp_path / "model.safetensors"),
    }
    run_in_task("geoseg:trainsegmentation", parameters, context, feedback)
    assert feedback.isCanceled()
    assert not list(tmp_path.rglob(".geoseg-*"))
