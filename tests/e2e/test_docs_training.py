"""The commands that docs/training.md shows do what they say, one after the other, on files of the names they use."""

import csv
import json
import shlex
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.stages import build
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.tests.e2e.documented import commands_of, run_shown, values_of

PAGE = "training.md"
ROOT = Path(__file__).resolve().parents[2]
ENGINE_PYTHON = ROOT / "build" / "env" / "engine" / "bin" / "python"
# Small and quick, where the page goes on for long.
QUICK = {"EPOCHS": 1, "PRECISION": "float32", "ARCHITECTURE": "lw-refinenet"}


@pytest.fixture(scope="module")
def folder(qgis_process, chain, tmp_path_factory):
    """The dataset of the chain, and the scene and the labels that it comes from."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "tiles").symlink_to(chain.folder / "dataset")
    (folder / "west.tif").symlink_to(chain.folder / "west.tif")
    request = {"LABELS": chain.folder / "labels.shp", "FIELD": "class", "LIKE": chain.folder / "west.tif"}
    qgis_process.results("geoseg:rasterizelabels", {**request, "OUTPUT": folder / "labels.tif"})
    return folder


def shown():
    """Return the commands for this machine."""
    return [command for command in commands_of(PAGE) if command.startswith("qgis_process")]


@pytest.fixture(scope="module")
def said(qgis_process_type, folder, tmp_path_factory):
    """What every command said, by its model, or by the action and the tool of the server."""
    variables = {
        "GEOSEG_PROFILE": tmp_path_factory.mktemp("profile"),
        "GEOSEG_HOME": folder / "home",  # where servers and MLflow's store are
        "GEOSEG_PYTHON": ENGINE_PYTHON,
    }
    variables = {name: str(value) for name, value in variables.items()}
    qgis_process, said = qgis_process_type([ROOT / "scripts" / "qgis_process"], variables), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in shown():
            trains = "trainsegmentation" in command
            if trains and "DEVICES" in command:
                continue
            parameters, text = run_shown(qgis_process, command, **(QUICK if trains else {}))
            name = parameters["MODEL"][0] if trains else f"{parameters['ACTION'][0]} {parameters['TOOL'][0]}"
            said[name] = text
            if name == "start tensorboard":
                said["answer"] = ask(address_in(text))
    return said


def address_in(text):
    return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("ADDRESS:"))


def ask(address):
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - a server of this machine
        return answer.read().decode()


def test_every_training_leaves_its_model(folder, said):
    models = {path.name for path in folder.glob("*.safetensors")}
    assert models == {name for name in said if name.endswith(".safetensors")}
    assert len(models) >= 6
    assert (folder / "town.html").is_file()
    assert (folder / "varied.png").is_file()
    assert not list(folder.glob("*.checkpoint.pt"))


def test_what_was_chosen_is_told(said):
    assert "Learning rate" in said["found.safetensors"] or "LEARNING_RATE" in said["found.safetensors"]


def test_the_log_and_the_pages_are_there(folder, said):
    with (folder / "log" / "epochs.csv").open(newline="", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]
    (run,) = json.loads((folder / "log" / "parameters.json").read_text(encoding="utf-8"))["runs"]
    assert run["request"]["stage"] == TrainSegmentation.id()
    assert "TensorBoard" in said["answer"]
    assert (folder / "home" / "mlflow" / "mlflow.db").is_file()
    with pytest.raises(urllib.error.URLError):
        ask(address_in(said["start tensorboard"]))


@pytest.mark.parametrize("command", [one for one in shown() if "DEVICES" in one])
def test_commands_for_other_machines_are_accepted(command):
    settings = {name.lower(): texts[0] for name, texts in values_of(shlex.split(command)[4:]).items()}
    assert build(TrainSegmentation.id(), settings).devices == 4
