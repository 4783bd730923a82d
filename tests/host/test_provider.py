"""What the Toolbox lists: every stage (tests/e2e/test_parity.py has its fields), in full words, loaded lightly."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.fields import Kind, fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES
from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=STAGES, ids=str)
def algorithm(request, provider):
    return provider.algorithm(request.param)


@pytest.fixture
def stage(algorithm):
    return STAGES[algorithm.name()]


@pytest.fixture
def workflows(provider):
    return [one for one in provider.algorithms() if isinstance(one, QgsProcessingModelAlgorithm)]


def test_every_stage_is_an_algorithm(provider):
    listed = [one.name() for one in provider.algorithms() if not isinstance(one, QgsProcessingModelAlgorithm)]
    assert sorted(listed) == sorted(STAGES)


def test_every_workflow_is_an_algorithm(workflows):
    assert len(workflows) == len(list((ROOT / "resources" / "workflows").glob("*.model3")))


def test_results_of_a_workflow_have_plain_labels(workflows):
    assert workflows
    for parameter in (one for workflow in workflows for one in workflow.destinationParameterDefinitions()):
        assert re.fullmatch(r"[A-Z][a-z ]+", parameter.description())


def test_what_a_workflow_does_not_set_has_the_defaults_of_today(workflows):
    compared = 0
    for name, child in (step for workflow in workflows for step in workflow.childAlgorithms().items()):
        sources = child.parameterSources()
        for definition in child.algorithm().parameterDefinitions():
            if definition.isDestination():
                continue
            (source,) = sources[definition.name()]
            if source.source() == QgsProcessingModelChildParameterSource.Source.StaticValue:
                assert source.staticValue() == definition.defaultValue(), f"{name}: {definition.name()}: make workflows"
                compared += 1
    assert compared > 100


def test_words_are_complete(algorithm):
    assert re.fullmatch(r"[a-z0-9]+", algorithm.name())
    assert re.fullmatch(r"[a-z0-9]+", algorithm.groupId())
    assert algorithm.displayName() and algorithm.group() and algorithm.shortDescription() and algorithm.tags()
    assert "<h3>Parameters</h3>" in algorithm.shortHelpString()
    assert algorithm.helpUrl().startswith("https://")
    for parameter in algorithm.parameterDefinitions():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", parameter.name())
        assert parameter.description() and parameter.help()
    for output in algorithm.outputDefinitions():
        assert output.description()


def test_icons_are_there(algorithm, provider):
    for path in (algorithm.svgIconPath(), provider.svgIconPath()):
        assert Path(path).is_file()
    assert not algorithm.icon().isNull()


def test_flags_let_it_run_in_the_background(algorithm):
    flags = algorithm.flags()
    assert flags & QgsProcessingAlgorithm.Flag.FlagCanCancel
    assert not flags & QgsProcessingAlgorithm.Flag.FlagNoThreading


@pytest.fixture(autouse=True)
def engine_is_there(monkeypatch, engine):
    monkeypatch.setenv("GEOSEG_PYTHON", str(engine))


@pytest.fixture
def values(stage, raster, tmp_path):
    """Acceptable values for the parameters without default."""
    return acceptable(stage, raster, tmp_path)


def acceptable(stage, raster, tmp_path):
    polygons = tmp_path / "polygons.geojson"
    polygons.write_text('{"type": "FeatureCollection", "features": []}')
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    suffixes = {Kind.RASTER_OUT: ".tif", Kind.VECTOR_OUT: ".gpkg", Kind.FOLDER_OUT: ""}
    values = {}
    for field in fields_of(stage):
        if field.optional or field.default is not None:
            continue
        suffix = field.suffixes[0] if field.suffixes else suffixes.get(field.kind, "")
        values[field.parameter] = {
            Kind.RASTER: raster, Kind.VECTOR: str(polygons), Kind.LAYERS: [raster], Kind.FOLDER: str(folder),
        }.get(field.kind, str(tmp_path / f"{field.name}{suffix}"))  # fmt: skip
    alternatives = {
        "clipraster": {"LIKE": raster},
        "mosaicrasters": {"INPUTS": [raster]},
        "maketiles": {"IMAGES": [raster]},
        "predictscenes": {"INPUTS": [raster]},
        "trainsegmentation": {"DATASET": str(folder)},
    }
    return {**values, **alternatives.get(stage.id(), {})}


def test_defaults_are_accepted(algorithm, values):
    accepted, message = algorithm.checkParameterValues(values, QgsProcessingContext())
    assert accepted, message


def test_temporary_results_are_accepted(algorithm, values):
    temporary = {one.name(): "TEMPORARY_OUTPUT" for one in algorithm.destinationParameterDefinitions()}
    accepted, message = algorithm.checkParameterValues({**values, **temporary}, QgsProcessingContext())
    assert accepted, message


def test_python_command_names_it(algorithm, values):
    command = algorithm.asPythonCommand(values, QgsProcessingContext())
    assert command.startswith(f'processing.run("geoseg:{algorithm.name()}"')
    for value in values.values():
        assert (value if isinstance(value, str) else value[0]) in command


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("demoscene", {"SIZE": 10}, "SIZE is 10, outside its range 128 to 8192."),
        ("demoscene", {"SIZE": "many"}, "SIZE must be a number, not 'many'."),
        ("demoscene", {"SIZE": 200.5}, "SIZE must be a whole number, not 200.5."),
        ("demoscene", {"SEZE": 200}, "geoseg:demoscene has no parameter SEZE. Its parameters are SIZE, SEED,"),
        ("clipraster", {"SNAP": "no grid"}, "SNAP is 'no grid', which is not known. Choose one of: input grid, LIKE"),
        (
            "clipraster",
            {"INPUT": "/no/such.tif"},
            "INPUT (Raster to clip): '/no/such.tif' cannot be opened as a raster",
        ),
        ("mosaicrasters", {"FOLDER": "."}, "INPUTS or FOLDER is needed, but both were given."),
        ("mosaicrasters", {"METHOD": "mean", "OUTPUT": "m.vrt"}, "A virtual raster cannot show overlaps by 'mean'."),
        ("rescaleimage", {"LOW": 5, "HIGH": 5}, "LOW is 5 and HIGH is 5. Give a LOW that is smaller."),
        ("stackbands", {"RECIPE": "soup"}, "RECIPE is 'soup', which is not known. Choose one of: none, Sentinel-1"),
        ("rasterizelabels", {"LABELS": "/no.shp"}, "LABELS (Labels): '/no.shp' cannot be opened as a vector layer"),
        ("maketiles", {"IMAGES": ["/no.tif"]}, "IMAGES (Images): '/no.tif' cannot be opened as a layer"),
        ("predictsegmentation", {"MODEL": "m.pt"}, "MODEL is 'm.pt'; its name must end in .safetensors or .onnx."),
        ("predictsegmentation", {"FURTHER_MODELS": ["a.onnx", "m.pt"]}, "FURTHER_MODELS is 'm.pt'; its name must end"),
        ("predictsegmentation", {"SCALES": "1, 9"}, "SCALES is '1, 9'. Give factors from 0.25 to 4"),
    ],
)
def test_unacceptable_value_is_explained(provider, raster, tmp_path, name, parameters, message):
    values = {**acceptable(STAGES[name], raster, tmp_path), **parameters}
    accepted, answer = provider.algorithm(name).checkParameterValues(values, QgsProcessingContext())
    assert not accepted
    assert message in answer


def test_files_have_their_suffixes(provider):
    def suffix(algorithm, parameter):
        return provider.algorithm(algorithm).parameterDefinition(parameter).defaultFileExtension()

    assert suffix("demoscene", "OUTPUT") == "tif"
    assert suffix("predictsegmentation", "POLYGONS") == "gpkg"
    assert suffix("trainsegmentation", "MODEL") == "safetensors"
    assert suffix("trainsegmentation", "REPORT") == "html"
    assert suffix("exportmodel", "OUTPUT") == "onnx"


def test_without_engine_it_says_what_to_run(provider, monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path))
    monkeypatch.delenv("GEOSEG_PYTHON", raising=False)
    assert provider.warningMessage() == "The engine is not installed. Run 'Install engine' (geoseg:installengine) once."
    assert provider.algorithm("clipraster").canExecute() == (False, provider.warningMessage())
    assert provider.algorithm("installengine").canExecute()[0]


def test_loads_without_the_engine(tmp_path):
    """What it takes in time is measured by `make bench PARTS=starts`."""
    variables = {**os.environ, "GEOSEG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    variables.pop("GEOSEG_PYTHON", None)
    answer = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "load_plugin.py")],
        env=variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    facts = json.loads(answer.stdout.splitlines()[-1])
    assert facts["algorithms"] >= len(STAGES)
    packages = {name.partition(".")[0] for name in facts["modules"]}
    assert packages - {"geoseg", "qgis", "PyQt5", "PyQt6"} <= set(sys.stdlib_module_names)
