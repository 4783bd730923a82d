"""The zip that users install: its form, and the chain with nothing else than the zip."""

import configparser
import io
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MB = 25
REQUIRED_KEYS = (
    "name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository",
    "homepage",
)  # fmt: skip
UNWANTED_SUFFIXES = {".exe", ".dll", ".so", ".dylib", ".bat", ".sh", ".ps1", ".cmd", ".pyc", ".onnx", ".safetensors"}

# Runs inside QGIS: an algorithm that runs one of ours and then looks at what has been imported.
SPY = """
import os
import sys

import processing
from qgis.core import QgsProcessingAlgorithm, QgsProcessingOutputString, QgsProcessingParameterFolderDestination


class Spy(QgsProcessingAlgorithm):
    def createInstance(self):
        return Spy()

    def name(self):
        return "spy"

    def displayName(self):
        return "spy"

    def initAlgorithm(self, configuration=None):
        self.addParameter(QgsProcessingParameterFolderDestination("FOLDER", "folder"))
        self.addOutput(QgsProcessingOutputString("MODULES", "modules"))

    def processAlgorithm(self, parameters, context, feedback):
        folder = parameters["FOLDER"]
        outputs = {"OUTPUT": os.path.join(folder, "scene.tif"), "LABELS": os.path.join(folder, "labels.gpkg")}
        processing.run("geoseg:demoscene", {"SIZE": 128, **outputs}, context=context, feedback=feedback)
        modules = [f"{name} {getattr(module, '__file__', '')}" for name, module in list(sys.modules.items())]
        return {"MODULES": ";".join(modules)}
"""


@pytest.fixture(scope="module")
def package():
    """The zip, made as for a release."""
    made = subprocess.run(
        ["make", "--no-print-directory", "package"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ROOT / made.stdout.split()[-1]


@pytest.fixture(scope="module")
def installed(qgis_process_type, package, tmp_path_factory):
    """qgis_process with nothing but the unzipped package in its profile."""
    configuration = tmp_path_factory.mktemp("configuration")
    profile = configuration / "profiles" / "default"
    with zipfile.ZipFile(package) as file:
        file.extractall(profile / "python" / "plugins")
    scripts = profile / "processing" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "spy.py").write_text(SPY, encoding="utf-8")
    program = Path("/usr/bin/qgis_process.bin")
    program = program if program.exists() else Path("/usr/bin/qgis_process")
    variables = {"QGIS_CUSTOM_CONFIG_PATH": str(configuration), "QT_QPA_PLATFORM": "offscreen"}
    process = qgis_process_type([program], variables)
    process.enable("geoseg")
    return process


def test_the_zip_has_the_form_that_the_plugin_site_wants(package):
    assert package.stat().st_size < LARGEST_MB * 1e6
    with zipfile.ZipFile(package) as file:
        paths = [PurePosixPath(name) for name in file.namelist()]
        metadata = configparser.ConfigParser(interpolation=None)
        metadata.read_file(io.TextIOWrapper(file.open("geoseg/metadata.txt"), encoding="utf-8"))
    assert {path.parts[0] for path in paths} == {"geoseg"}
    assert {"geoseg/LICENSE", "geoseg/__init__.py", "geoseg/CHANGELOG.md"} <= {str(path) for path in paths}
    assert not [path for path in paths if any(part.startswith((".", "__pycache__")) for part in path.parts)]
    assert not [path for path in paths if path.suffix in UNWANTED_SUFFIXES]
    assert not [path for path in paths if "tests" in path.parts or "scripts" in path.parts]
    assert not [key for key in REQUIRED_KEYS if not metadata["general"].get(key)]
    assert metadata["general"]["hasProcessingProvider"] == "yes"
    assert "plugin" not in metadata["general"]["name"].lower()
    assert all(part.isdigit() for part in metadata["general"]["version"].split("."))


def test_the_installed_zip_runs_the_chain(installed, tmp_path):
    scene, labels = tmp_path / "scene.tif", tmp_path / "labels.gpkg"
    installed.results("geoseg:demoscene", {"SIZE": 256, "OUTPUT": scene, "LABELS": labels})
    results = installed.results(
        "geoseg:segmentation_chain",
        {
            "IMAGE": scene,
            "LABELS": labels,
            "FIELD": "class",
            "TILE_SIZE": 64,
            "EPOCHS": 1,
            "MAP_IMAGE": scene,
            "tiles:dataset": tmp_path / "dataset",
            "train:model": tmp_path / "model.safetensors",
            "predict:classes": tmp_path / "classes.tif",
        },
    )
    assert Path(results["predict:classes"]).is_file()


def test_nothing_of_the_engine_is_imported_into_qgis(installed, tmp_path):
    modules = installed.results("script:spy", {"FOLDER": tmp_path})["MODULES"].split(";")
    assert (tmp_path / "scene.tif").is_file()
    names = {module.split(" ")[0].split(".")[0] for module in modules}
    assert "geoseg" in names
    assert not names & {"torch", "rasterio", "onnxruntime", "onnx", "pyogrio", "shapely", "segmentation_models_pytorch"}
    numpy = [module.split(" ", 1)[1] for module in modules if module.startswith("numpy ")]
    assert all(path.startswith("/usr/lib/python3") for path in numpy)
