"""The settings of published systems, as their authors have them, in the code and in docs/presets.md."""

import re
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.networks import NETWORK
from geoseg.geoseg_plugin.contract.presets import PRESET, PRESETS
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.preset import SETTABLE
from geoseg.models.catalog import choose_encoder

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "presets.md").read_text(encoding="utf-8")
FIELDS = {field.name: field for field in fields_of(TrainSegmentation)}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_makes_a_request_that_can_be(preset):
    request = TrainSegmentation(dataset="d", model="m.safetensors", preset=preset.name)
    for name, value in preset.values.items():
        assert name in SETTABLE
        assert type(FIELDS[name].clean(value)) is type(value)
        assert getattr(request, name) == value, name
    assert request.architecture in NETWORK
    assert choose_encoder(request.architecture, request.encoder, request.other_encoder)
    assert request.loss_terms()
    assert preset.note.endswith(".")
    assert preset.source.startswith("https://")


# From the systems' code and, for ArcGIS Pro, its manual.
AUTHORS = {
    "slumps": {
        "architecture": "slump-unet", "loss": "cross entropy", "optimizer": "adadelta", "batch_size": 128,
        "epochs": 1000, "patience": 20,
    },
    "clouds": {
        "architecture": "unet", "weights": "imagenet", "loss": "f2", "epochs": 30, "frozen_epochs": 3,
        "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-4,
    },
    "clouds-cloudxnet": {
        "architecture": "cloudxnet", "loss": "jaccard", "epochs": 70, "batch_size": 2, "optimizer": "adam",
        "learning_rate": 1e-4, "divisor": 255.0,
    },
    "roofs": {
        "architecture": "satellite-unet", "loss": "binary cross entropy", "epochs": 50, "batch_size": 4,
        "patience": 10, "optimizer": "adam", "scale": 20.0, "scaling": "divide", "divisor": 255.0,
    },
    "radar-buildings": {
        "architecture": "lw-refinenet", "encoder": "mobilenet_v2", "loss": "cross entropy + 2 * jaccard",
        "optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4, "schedule": "poly",
        "power": 0.9, "epochs": 100, "batch_size": 22, "accumulation": 2, "sampling": "target share",
        "target_share": 30.0, "scaling": "divide", "divisor": 5.0,
    },
    "radar-buildings-fpn": {
        "architecture": "fpn", "encoder": "se_resnext50_32x4d", "weights": "imagenet", "optimizer": "adam",
        "learning_rate": 1e-3, "weight_decay": 1e-4, "schedule": "poly", "epochs": 75, "target_share": 50.0,
        "cutout": 4, "rotation": 45.0,
    },
    "arcgis-pro": {
        "architecture": "unet", "encoder": "resnet34", "weights": "imagenet", "epochs": 20, "schedule": "one-cycle",
        "find_learning_rate": True, "loss": "cross entropy",
    },
}  # fmt: skip


def test_every_preset_is_compared_with_its_authors():
    assert set(AUTHORS) == set(PRESET)


@pytest.mark.parametrize("name", AUTHORS)
def test_values_are_those_of_the_authors(name):
    assert {key: PRESET[name].values.get(key) for key in AUTHORS[name]} == AUTHORS[name]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_what_authors_did_not_do_is_not_done_by_default(preset):
    for name in (
        "flips", "quarter_turns", "rotation", "scale", "brightness", "contrast", "crop", "cutmix", "averaging",
        "warm_up", "schedule",
    ):  # fmt: skip
        assert name in preset.values, name


def shown(value):
    """Return a value as the page writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_lists_what_every_preset_sets():
    head, _, *rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in re.search(r"^\| parameter \|.*?(?=\n\n|\Z)", PAGE, re.DOTALL | re.MULTILINE).group().splitlines()
    ]
    assert head[1:] == [preset.name for preset in PRESETS]
    listed = {
        (row[0].lower(), name): cell for row in rows for name, cell in zip(head[1:], row[1:], strict=True) if cell
    }
    assert listed == {(key, one.name): shown(value) for one in PRESETS for key, value in one.values.items()}


def test_the_page_describes_every_preset():
    titles = re.findall(r"^## `([a-z-]+)`", PAGE, re.MULTILINE)
    assert titles == [preset.name for preset in PRESETS]
    for preset in PRESETS:
        assert preset.source in PAGE
