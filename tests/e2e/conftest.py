"""The real qgis_process with the plugin in a profile of its own, and one small chain that most tests look at."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


class QgisProcess:
    """Runs algorithms with qgis_process.

    Args:
        program: The command to start.
        variables: Variables of its environment beside our own.
    """

    def __init__(self, program, variables):
        self._program = [str(part) for part in program]
        self._variables = {**os.environ, **variables}

    def command(self, algorithm, parameters, *options):
        command = [*self._program, "run", algorithm, *options, "--"]
        for name, value in parameters.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            command += [f"{name}={item}" for item in values]
        return command

    def enable(self, plugin):
        """Enable a plugin in the profile."""
        command = [*self._program, "plugins", "enable", plugin]
        subprocess.run(command, env=self._variables, capture_output=True, timeout=60, check=True)

    def run(self, algorithm, parameters, *options):
        """Run to the end and return what it said, with its exit code."""
        command = self.command(algorithm, parameters, *options)
        return subprocess.run(command, env=self._variables, capture_output=True, text=True, timeout=300, check=False)

    def results(self, algorithm, parameters):
        """Run with --json and return the results; the run must succeed."""
        done = self.run(algorithm, parameters, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["results"]

    def start(self, algorithm, parameters, output):
        """Start it and return the process; what it says goes to the open file `output`."""
        # Without stdbuf a file would hear everything at the end.
        command = ["stdbuf", "-oL", *self.command(algorithm, parameters)]
        return subprocess.Popen(command, env=self._variables, stdout=output, stderr=subprocess.STDOUT)


@pytest.fixture(scope="session")
def qgis_process_type():
    """The class, for those who run another qgis_process than `qgis_process`."""
    return QgisProcess


@pytest.fixture(scope="session")
def qgis_process(tmp_path_factory):
    """The checkout's own scripts/qgis_process, with a fresh profile."""
    profile = tmp_path_factory.mktemp("profile")
    return QgisProcess([ROOT / "scripts" / "qgis_process"], {"GEOSEG_PROFILE": str(profile)})


def run_chain(qgis_process, folder):
    """Run every step on a small scene and return the results of each, by algorithm."""
    scene, labels = folder / "scene.tif", folder / "labels.shp"
    done = {"demoscene": qgis_process.results("geoseg:demoscene", {"SIZE": 320, "OUTPUT": scene, "LABELS": labels})}
    left, bottom, right, top = bounds_of(scene)
    middle = left + 192 * 0.5
    for name, extent in (("west", (left, middle, bottom, top)), ("east", (middle, right, bottom, top))):
        text = ",".join(str(side) for side in extent)
        parameters = {"INPUT": scene, "EXTENT": f"{text} [EPSG:32633]", "OUTPUT": folder / f"{name}.tif"}
        done[name] = qgis_process.results("geoseg:clipraster", parameters)
    west, label_raster, dataset = folder / "west.tif", folder / "west_labels.tif", folder / "dataset"
    done["rasterizelabels"] = qgis_process.results(
        "geoseg:rasterizelabels", {"LABELS": labels, "FIELD": "class", "LIKE": west, "OUTPUT": label_raster}
    )
    done["maketiles"] = qgis_process.results(
        "geoseg:maketiles", {"IMAGES": west, "LABELS": label_raster, "TILE_SIZE": 64, "OUTPUT": dataset}
    )
    model = folder / "model.safetensors"
    done["trainsegmentation"] = qgis_process.results(
        "geoseg:trainsegmentation",
        {
            "DATASET": dataset,
            "ENCODER": "resnet18",
            "EPOCHS": 3,
            "BATCH_SIZE": 4,
            "MODEL": model,
            "REPORT": folder / "report.html",
        },
    )
    done["predictsegmentation"] = qgis_process.results(
        "geoseg:predictsegmentation",
        {
            "INPUT": folder / "east.tif",
            "MODEL": model,
            "OUTPUT": folder / "predicted.tif",
            "PROBABILITIES": folder / "probabilities.tif",
            "POLYGONS": folder / "polygons.gpkg",
        },
    )
    return done


def bounds_of(raster):
    """Return left, bottom, right, top of a north-up raster."""
    from osgeo import gdal

    dataset = gdal.Open(str(raster))
    left, width, _, top, _, height = dataset.GetGeoTransform()
    return left, top + height * dataset.RasterYSize, left + width * dataset.RasterXSize, top


@pytest.fixture(scope="session")
def chain(qgis_process, tmp_path_factory):
    """The whole chain step by step on a small demo scene: its folder (with a space and an accent) and its results."""
    folder = tmp_path_factory.mktemp("chain") / "démo 1"
    folder.mkdir()
    return SimpleNamespace(folder=folder, results=run_chain(qgis_process, folder))
