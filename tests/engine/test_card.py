"""Cards: they come back whole, and broken ones are refused."""

import json
import math

import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import ModelError
from geoseg.models.card import Band, Card

CARD = Card(
    architecture="unet", encoder="resnet18", bands=(Band("rot", 1.5, 2), Band("nir", 3, 4)),
    dtype="int16",
    classes=ClassTable.named({0: "background", 70: "Straße"}), ignore_value=255, tile_size=256, pixel_size=(0.5, 0.25),
    crs="EPSG:32645", dataset="/d", fingerprint="ab", request={"stage": "x", "parameters": {"epochs": 3}},
    metrics={"iou": 0.5, "classes": {"Straße": {"iou": None}}}, versions={"torch": "2"}, created="2026",
    thresholds={"Straße": 0.42},
)  # fmt: skip


def test_it_comes_back_whole():
    assert Card.from_text(CARD.to_text(), "here") == CARD


def test_it_says_what_counts_as_without_data():
    assert "nodata" in json.loads(CARD.to_text())["nodata_rule"]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"format": "other"}', '{"format": "geoseg-card", "version": 1}']
)
def test_broken_text_is_a_model_error(text):
    with pytest.raises(ModelError, match="here"):
        Card.from_text(text, "here")


BAND = {"name": "red", "mean": 1.0, "std": 2.0}
WRONG = [
    *[("bands", value) for value in (3, [], [{**BAND, "std": 0}], [{**BAND, "mean": math.nan}], [{**BAND, "name": 1}])],
    *[("classes", value) for value in ([{}], [{"value": 0, "name": "a", "colour": "#000000"}])],
    *[("tile_size", value) for value in ("256", 0, 2.5)],
    *[("pixel_size", value) for value in (None, [1], [1, 0], [1, "1"], [1, math.inf])],
    *[("thresholds", value) for value in ([], {"background": 0.5}, {"road": 0.5}, {"Straße": 1.5}, {"Straße": "1"})],
    ("ignore_value", "255"), ("task", "object detection"), ("colour", "red"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_card_with_a_wrong_part_is_a_model_error(key, value):
    values = {**json.loads(CARD.to_text()), key: value}
    with pytest.raises(ModelError, match="here"):
        Card.from_text(json.dumps(values), "here")


def test_a_later_card_asks_for_an_update():
    values = {**json.loads(CARD.to_text()), "version": 2}
    with pytest.raises(ModelError, match="later") as caught:
        Card.from_text(json.dumps(values), "here")
    assert "Update" in caught.value.fix


@pytest.mark.parametrize("part", ["card", "band"])
def test_a_card_with_other_fields_names_the_version_it_is_from(part):
    values = {**json.loads(CARD.to_text()), "versions": {"geoseg": "0.0.9"}}
    (values if part == "card" else values["bands"][0])["low"] = 0
    with pytest.raises(ModelError, match=r"here was made by another GeoSeg \(0\.0\.9\)") as caught:
        Card.from_text(json.dumps(values), "here")
    assert "Train the model again" in caught.value.fix
