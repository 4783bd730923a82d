"""The commands that docs/networks.md shows do what they say, one after the other, on files of the names they use."""

import json
import re
import shlex

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.networks import ENCODERS, INCLUDED, NETWORK
from geoseg.geoseg_plugin.contract.stages import build
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.tests.e2e.documented import commands_of, read_page, run_shown, values_of
from osgeo import gdal

PAGE = "networks.md"
CLASSES = "1 building; 2 lake = water; 3 tree"
CARD = "geoseg_card"
QUICK = {"EPOCHS": 1, "PRECISION": "float32"}  # without trying which precision is faster


def read_header(path):
    """Return the header of a .safetensors file, and the bytes after it."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def card_of(path):
    return json.loads(read_header(path)[0]["__metadata__"][CARD])


def write_without_card(model, path):
    """Write the weights of a model as those do who know nothing of cards."""
    header, tensors = read_header(model)
    del header["__metadata__"]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors)


@pytest.fixture(scope="module")
def folder(qgis_process, chain, tmp_path_factory):
    """The dataset of the chain, a town to map, tiles of other classes, and weights of an encoder."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "tiles").symlink_to(chain.folder / "dataset")
    (folder / "town.tif").symlink_to(chain.folder / "east.tif")
    write_without_card(chain.folder / "model.safetensors", folder / "resnet18.safetensors")
    west = chain.folder / "west.tif"
    request = {"LABELS": chain.folder / "labels.shp", "FIELD": "class", "LIKE": west, "CLASSES": CLASSES}
    qgis_process.results("geoseg:rasterizelabels", {**request, "UNKNOWN": "background", "OUTPUT": folder / "other.tif"})
    request = {"IMAGES": west, "LABELS": folder / "other.tif", "TILE_SIZE": 64}
    qgis_process.results("geoseg:maketiles", {**request, "OUTPUT": folder / "other_tiles"})
    return folder


@pytest.fixture(scope="module")
def said(qgis_process, folder):
    """Every command of the page, run in its order, training for one epoch: what each said, by its result."""
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in commands_of(PAGE):
            shortened = QUICK if "trainsegmentation" in command else {}
            parameters, text = run_shown(qgis_process, command, **shortened)
            said[parameters["MODEL" if shortened else "OUTPUT"][0]] = text
    return said


def test_networks_are_those_asked_for(folder, said):
    cards = {path.stem: card_of(path) for path in folder.glob("*.safetensors") if path.stem != "resnet18"}
    assert {name: (card["architecture"], card["encoder"]) for name, card in cards.items()} == {
        "small": ("lw-refinenet", "mobilenet_v2"),
        "borders": ("gscnn", "resnet18"),
        "weighted": ("unet", INCLUDED),
        "started": ("fpn", "resnet18"),
        "finer": ("lw-refinenet", "mobilenet_v2"),
    }


def test_an_exported_network_maps_as_it_did(folder, said):
    first, second = (gdal.Open(str(folder / f"town_{name}.tif")).ReadAsArray() for name in ("classes", "onnx"))
    assert first.shape == (320, 128)
    assert (first == second).mean() > 0.999
    assert set(np.unique(first)) <= set(range(6))


def test_losses_and_their_weights_are_told_and_kept(folder, said):
    weighted, started = card_of(folder / "weighted.safetensors"), card_of(folder / "started.safetensors")
    assert weighted["loss"].startswith("cross entropy")
    assert started["loss"].startswith("cross entropy + 2 * f-beta(0.5)")
    assert "building 2" in started["loss"]
    for card, name in ((weighted, "weighted"), (started, "started")):
        assert card["loss"] in said[f"{name}.safetensors"]


def test_weights_are_taken_from_where_they_are_said_to_be(folder, said):
    assert "encoder weights from resnet18.safetensors" in said["started.safetensors"]
    assert "adapted weights from small.safetensors" in said["finer.safetensors"]
    assert re.search(r"classes of WEIGHTS are others: kept: .*building.*; new: lake", said["finer.safetensors"])
    names = [one["name"] for one in card_of(folder / "finer.safetensors")["classes"]]
    assert names == ["background", "building", "lake", "tree"]


def recipes():
    """Return the settings of every recipe."""
    return re.findall(r"^\|[^|]*\| `(ARCHITECTURE=.*)` \|$", read_page(PAGE), re.MULTILINE)


def test_there_are_recipes():
    assert len(recipes()) >= 8


@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_is_accepted(recipe):
    settings = {name.lower(): texts[0] for name, texts in values_of(shlex.split(recipe)).items()}
    numbers = {"batch_size": int, "epochs": int, "learning_rate": float}
    settings = {name: numbers.get(name, str)(text) for name, text in settings.items()}
    request = build(TrainSegmentation.id(), {"dataset": "tiles", "model": "model.safetensors", **settings})
    assert request.loss_terms()


def test_weak_machines_are_not_sent_to_slow_networks():
    (row,) = re.findall(r"^\| a weak machine.*? \| (.*?) \|", read_page(PAGE), re.MULTILINE)
    named = re.findall("`(.*?)`", row)
    assert named
    assert not any(word in NETWORK[name].advice for name in named for word in ("slow", "memory"))


def test_names_on_the_page_exist():
    rows = re.findall(
        r"^\| [^|]*\| ((?:`[a-z0-9_-]+`[, a-z]*)+) \| ((?:`[a-z0-9_-]+`[, a-z]*)+) \|$", read_page(PAGE), re.MULTILINE
    )
    assert len(rows) >= 6
    for networks, encoders in rows:
        assert set(re.findall("`(.*?)`", networks)) <= set(NETWORK)
        assert set(re.findall("`(.*?)`", encoders)) <= set(ENCODERS)
