"""Which thresholds a decision asks for."""

import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.decisions.decision import Decision
from geoseg.geoseg_plugin.engine.prediction.decisions.thresholds import (
    check_decision,
    found_decision,
    known_decision,
    needs_map,
)
from geoseg.tests.engine.handmade import make_card

NAMES = {0: "background", 1: "building", 5: "water"}


def request(**options):
    return PredictSegmentation(input="i.tif", model="m.onnx", output="o.tif", **options)


@pytest.mark.parametrize(
    ("options", "thresholds"),
    [
        ({}, ()),
        ({"decision": "most probable"}, ()),
        ({"decision": "fixed"}, (0.5, 0.5)),
        ({"decision": "fixed", "threshold": "0.2"}, (0.2, 0.2)),
        ({"decision": "fixed", "threshold": "water=0.9"}, (0.5, 0.9)),
        ({"decision": "card"}, (0.5, 0.125)),  # the validation tiles showed no building
    ],
)
def test_thresholds_that_need_no_map(options, thresholds):
    card = make_card(classes=NAMES, thresholds={"water": 0.125})
    assert known_decision(request(**options), card) == Decision(thresholds)
    assert not needs_map(request(**options))


@pytest.mark.parametrize(
    ("found", "options", "thresholds"),
    [
        ({"building": 0.25}, {}, (0.25,)),
        ({}, {}, ()),
        ({"building": 0.25}, {"further_models": ("other.onnx",)}, ()),
        ({"building": 0.25}, {"further_models": ("other.onnx",), "decision": "card"}, (0.25,)),
        ({"building": 0.25}, {"decision": "most probable"}, ()),
    ],
)
def test_two_classes_are_parted_by_the_threshold_of_the_only_card(found, options, thresholds):
    card = make_card(classes={0: "background", 1: "building"}, thresholds=found)
    assert known_decision(request(**options), card) == Decision(thresholds)


def test_a_threshold_of_training_tiles_is_not_trusted():
    card = make_card(
        classes={0: "background", 1: "building"}, thresholds={"building": 0.25}, metrics={"measured_on": "train"}
    )
    assert known_decision(request(), card) == Decision()
    assert known_decision(request(decision="card"), card) == Decision((0.25,))


def test_thresholds_of_the_card_are_told(recorder):
    card = make_card(classes=NAMES, thresholds={"building": 0.25})
    check_decision(request(decision="card"), card, recorder)
    assert recorder.notes == ["Thresholds of the model's card: building 0.25, water 0.5"]
    check_decision(request(), card, recorder)
    check_decision(request(decision="fixed"), card, recorder)
    assert len(recorder.notes) == 1


@pytest.mark.parametrize("decision", ["otsu", "mean"])
def test_some_need_the_map(decision):
    assert needs_map(request(decision=decision))


def test_a_card_without_thresholds_is_told():
    with pytest.raises(RequestError, match="has no thresholds") as caught:
        known_decision(request(decision="card"), make_card())
    assert "train the model again" in caught.value.fix


def test_a_name_that_is_no_class_is_told():
    with pytest.raises(RequestError, match="'roof', which is no class") as caught:
        known_decision(request(decision="fixed", threshold="roof=0.2"), make_card(classes=NAMES))
    assert "building, water" in caught.value.fix


def test_what_was_found_is_told_and_what_was_not_is_warned_of(recorder):
    decision = found_decision([0.25, None], ClassTable.named(NAMES), "otsu", recorder)
    assert decision == Decision((0.25, 0.5))
    assert recorder.notes == ["Thresholds found by otsu: building 0.25, water 0.5"]
    assert [("water" in text, "building" in text) for text in recorder.warnings] == [(True, False)]
