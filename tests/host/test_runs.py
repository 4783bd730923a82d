"""The ways into an algorithm: Python, a background task, a model, and the real qgis_process."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from geoseg.algorithms import base
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentationResult
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingMultiStepFeedback,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorLayer,
    QgsProject,
    QgsRasterLayer,
)

ROOT = Path(__file__).resolve().parents[2]
EXTENT = "500000,500064,4999936,5000000 [EPSG:32633]"


@pytest.fixture
def processing(provider, engine, monkeypatch, qgis_new_project):
    import processing

    monkeypatch.setenv("GEOSEG_PYTHON", str(engine))
    return processing


class Feedback(QgsProcessingFeedback):
    """Remembers errors, warnings and progress."""

    def __init__(self):
        super().__init__()
        self.errors, self.warnings, self.fractions = [], [], []
        self.progressChanged.connect(self.fractions.append)

    def reportError(self, error, fatalError=False):
        self.errors.append(error)

    def pushWarning(self, warning):
        self.warnings.append(warning)


def classes_of(path):
    layer = QgsRasterLayer(path, "labels")
    assert layer.isValid()
    return [one.label for one in layer.renderer().classes()]


def test_clip_by_extent_in_a_folder_with_spaces(processing, raster, tmp_path):
    output = str(tmp_path / "größe 地" / "Ausschnitt 1.tif")
    feedback = Feedback()
    result = processing.run(
        "geoseg:clipraster", {"INPUT": raster, "EXTENT": EXTENT, "OUTPUT": output}, feedback=feedback
    )
    assert result == {"OUTPUT": output}
    layer = QgsRasterLayer(output, "clipped")
    assert (layer.width(), layer.height(), layer.bandCount()) == (32, 32, 3)
    assert layer.crs().authid() == "EPSG:32633"
    assert feedback.fractions == sorted(feedback.fractions)


@pytest.mark.parametrize(("selected_only", "names"), [(False, 3), (True, 1)])
def test_memory_layer_becomes_styled_labels(processing, raster, squares, tmp_path, selected_only, names):
    QgsProject.instance().addMapLayer(squares)
    squares.selectByExpression('"class_id" = 2')
    labels = QgsProcessingFeatureSourceDefinition(squares.id(), selectedFeaturesOnly=selected_only)
    parameters = {"LABELS": labels, "FIELD": "a_long_field_name", "LIKE": raster, "OUTPUT": str(tmp_path / "l.tif")}
    result = processing.run("geoseg:rasterizelabels", parameters)
    assert result["CLASS_COUNT"] == names + 1
    found = classes_of(result["OUTPUT"])
    assert found == ["background", *(["name 1"] if selected_only else ["name 0", "name 1", "name 2"])]


def test_error_of_the_request_is_told(processing, raster, tmp_path):
    with pytest.raises(QgsProcessingException, match="One of LIKE, EXTENT and MASK is needed"):
        processing.run("geoseg:clipraster", {"INPUT": raster, "OUTPUT": str(tmp_path / "o.tif")})


def test_error_of_the_engine_is_told(processing, raster, tmp_path):
    far_away = "0,10,0,10 [EPSG:32633]"
    with pytest.raises(QgsProcessingException) as caught:
        processing.run("geoseg:clipraster", {"INPUT": raster, "EXTENT": far_away, "OUTPUT": str(tmp_path / "o.tif")})
    assert "Traceback" not in str(caught.value) and str(caught.value).endswith(".")
    assert not (tmp_path / "o.tif").exists()


def test_temporary_dataset_is_warned_about(processing, provider, raster):
    feedback = Feedback()
    parameters = {"IMAGES": [raster], "LABELS": [raster], "OUTPUT": "TEMPORARY_OUTPUT"}
    assert provider.algorithm("maketiles").create().prepare(parameters, QgsProcessingContext(), feedback)
    assert feedback.warnings[0].startswith("OUTPUT is temporary and goes when QGIS is closed")


def wait_for(task):
    ends = []
    task.executed.connect(lambda *values: ends.append(values))
    QgsApplication.taskManager().addTask(task)
    deadline = time.monotonic() + 60
    while not ends and time.monotonic() < deadline:
        QgsApplication.processEvents()
        time.sleep(0.01)
    return ends[0]


def test_runs_in_a_background_task(processing, provider, raster, tmp_path):
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    parameters = {"INPUT": raster, "EXTENT": EXTENT, "OUTPUT": str(tmp_path / "o.tif")}
    task = QgsProcessingAlgRunnerTask(provider.algorithm("clipraster"), parameters, context, feedback)
    successful, results = wait_for(task)
    assert successful, feedback.errors
    assert QgsRasterLayer(results["OUTPUT"], "o").width() == 32


def test_missing_engine_stops_it_with_one_sentence(processing, raster, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("GEOSEG_PYTHON")
    with pytest.raises(QgsProcessingException, match=r"The engine is not installed\. Run 'Install engine'"):
        processing.run("geoseg:clipraster", {"INPUT": raster, "EXTENT": EXTENT, "OUTPUT": str(tmp_path / "o.tif")})


def test_request_is_checked_again_inside_a_model(processing, model, raster, squares, tmp_path):
    """A model checks its own parameters only: the child has to find out by itself."""
    QgsProject.instance().addMapLayer(squares)
    child = model.childAlgorithm("clip")
    child.addParameterSources("EXTENT", [QgsProcessingModelChildParameterSource.fromStaticValue("1,1,2,2")])
    model.setChildAlgorithm(child)
    feedback = Feedback()
    parameters = {"image": raster, "labels": squares.id(), "burn:burnt": str(tmp_path / "b.tif")}
    with pytest.raises(QgsProcessingException):
        processing.run(model, parameters, feedback=feedback)
    assert any("is empty" in error for error in feedback.errors), feedback.errors


@pytest.fixture
def model(provider):
    """Clip, then rasterize onto the clipped grid."""
    source = QgsProcessingModelChildParameterSource
    model = QgsProcessingModelAlgorithm("clip and burn", "tests")
    for parameter in (
        QgsProcessingParameterRasterLayer("image", "Image"), QgsProcessingParameterVectorLayer("labels", "Labels")
    ):  # fmt: skip
        model.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))
    clip = QgsProcessingModelChildAlgorithm("geoseg:clipraster")
    clip.setChildId("clip")
    clip.addParameterSources("INPUT", [source.fromModelParameter("image")])
    clip.addParameterSources("EXTENT", [source.fromStaticValue(EXTENT)])
    burn = QgsProcessingModelChildAlgorithm("geoseg:rasterizelabels")
    burn.setChildId("burn")
    burn.addParameterSources("LABELS", [source.fromModelParameter("labels")])
    burn.addParameterSources("FIELD", [source.fromStaticValue("class_id")])
    burn.addParameterSources("LIKE", [source.fromChildOutput("clip", "OUTPUT")])
    final = QgsProcessingModelOutput("burnt", "Burnt")
    final.setChildId("burn")
    final.setChildOutputName("OUTPUT")
    burn.setModelOutputs({"burnt": final})
    model.addChildAlgorithm(clip)
    model.addChildAlgorithm(burn)
    return model


def test_runs_in_a_model(processing, model, raster, squares, tmp_path):
    QgsProject.instance().addMapLayer(squares)
    output = str(tmp_path / "burnt.tif")
    result = processing.run(model, {"image": raster, "labels": squares.id(), "burn:burnt": output})
    assert result["burn:burnt"] == output
    layer = QgsRasterLayer(output, "burnt")
    assert (layer.width(), layer.height()) == (32, 32)
    assert classes_of(output) == ["background", "class 1", "class 2", "class 3"]


def test_two_results_of_a_model_are_both_loaded_and_styled(processing, model, raster, squares, tmp_path):
    """As the Toolbox does after a run: load what is to be loaded, then style it."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    QgsProject.instance().addMapLayer(squares)
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    algorithm = model.create()
    paths = [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    for path in paths:
        details = QgsProcessingContext.LayerDetails("Labels", QgsProject.instance(), "burn:burnt")
        context.addLayerToLoadOnCompletion(path, details)
        parameters = {"image": raster, "labels": squares.id(), "burn:burnt": path}
        _, successful = algorithm.run(parameters, context, feedback)
        assert successful, feedback.errors
    assert handleAlgorithmResults(algorithm, context, feedback)
    loaded = [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsRasterLayer)]
    assert len(loaded) == 2
    for layer in loaded:
        assert layer.renderer().type() == "paletted"
        assert "Rasterize labels" in layer.metadata().abstract()


def test_tile_footprints_are_loaded_beside_the_dataset(processing, provider, raster, squares, tmp_path):
    from processing.gui.Postprocessing import handleAlgorithmResults

    QgsProject.instance().addMapLayer(squares)
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    algorithm = provider.algorithm("maketiles").create()
    parameters = {
        "IMAGES": [raster], "LABELS": [squares.id()], "FIELD": "class_id", "TILE_SIZE": 32, "OVERLAP": 0,
        "VALIDATION": 25, "OUTPUT": str(tmp_path / "dataset"),
    }  # fmt: skip
    results, successful = algorithm.run(parameters, context, feedback)
    assert successful, feedback.errors
    assert results["TILE_COUNT"] == 4 == results["TRAIN_COUNT"] + results["VALIDATION_COUNT"]
    assert handleAlgorithmResults(algorithm, context, feedback)
    (tiles,) = QgsProject.instance().mapLayersByName("Tile footprints: dataset")
    assert tiles.featureCount() == 4
    assert tiles.renderer().type() == "categorizedSymbol"
    assert tiles.renderer().classAttribute() == "split"
    assert "Make training tiles" in tiles.metadata().abstract()


def test_tile_footprints_are_not_loaded_by_steps_of_models(processing, provider, raster, squares, tmp_path):
    QgsProject.instance().addMapLayer(squares)
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    parameters = {
        "IMAGES": [raster], "LABELS": [squares.id()], "FIELD": "class_id", "TILE_SIZE": 32, "OVERLAP": 0,
        "VALIDATION": 25, "OUTPUT": str(tmp_path / "dataset"),
    }  # fmt: skip
    feedback = Feedback()
    of_a_model = QgsProcessingMultiStepFeedback(1, feedback)
    _, successful = provider.algorithm("maketiles").create().run(parameters, context, of_a_model)
    assert successful
    assert context.layersToLoadOnCompletion() == {}


def test_report_that_was_not_written_is_not_claimed(processing, tmp_path, monkeypatch):
    """As after a cancelled training, which keeps its best model."""
    model = str(tmp_path / "m.safetensors")
    kept = TrainSegmentationResult(model=model, report=None, best_iou=0.5, best_epoch=1)
    monkeypatch.setattr(base, "run_job", lambda *_: kept)
    parameters = {"DATASET": str(tmp_path), "MODEL": model, "REPORT": str(tmp_path / "r.html")}
    results = processing.run("geoseg:trainsegmentation", parameters)
    assert results["MODEL"] == model
    assert results["REPORT"] is None


@pytest.fixture(scope="module")
def qgis_process(tmp_path_factory, engine):
    """Run the real qgis_process, in a profile of its own."""
    folder = tmp_path_factory.mktemp("profile")
    variables = {**os.environ, "GEOSEG_PROFILE": str(folder), "GEOSEG_PYTHON": str(engine)}

    def run(*arguments):
        command = [str(ROOT / "scripts" / "qgis_process"), *map(str, arguments)]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)

    return run


def test_qgis_process_runs_it(qgis_process, raster, tmp_path):
    output = tmp_path / "größe 1.tif"
    answer = qgis_process(
        "--json", "run", "geoseg:clipraster", "--", f"INPUT={raster}", f"EXTENT={EXTENT}", f"OUTPUT={output}"
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["results"] == {"OUTPUT": str(output)}
    assert output.is_file()


def test_qgis_process_fails_with_our_words(qgis_process, raster, tmp_path):
    answer = qgis_process("run", "geoseg:clipraster", "--", f"INPUT={raster}", f"OUTPUT={tmp_path / 'o.tif'}")
    assert answer.returncode == 1
    assert "One of LIKE, EXTENT and MASK is needed, but none was given. Give at least one." in answer.stderr
    assert "Traceback" not in answer.stderr


def test_qgis_process_refuses_typing_errors(qgis_process, raster, tmp_path):
    answer = qgis_process("run", "geoseg:clipraster", "--", f"INPUT={raster}", "EXTEND=1,2,3,4", "OUTPUT=o.tif")
    assert answer.returncode == 1
    assert "has no parameter EXTEND" in answer.stderr
