"""Thresholds of classes as users write them."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.given_thresholds import parse_given_thresholds, thresholds_for
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation

CLASSES = ("background", "building", "road, paved")


@pytest.mark.parametrize(
    ("text", "thresholds"),
    [
        ("0.4", (0.4, 0.4)),
        (" 1 ", (1, 1)),
        ("building=0.25", (0.25, 0.5)),
        ("road, paved=0.6; building=0", (0, 0.6)),
    ],
)
def test_thresholds_are_read(text, thresholds):
    assert thresholds_for(text, CLASSES) == thresholds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "THRESHOLD is ''"),
        ("1.1", "THRESHOLD is '1.1'"),
        ("-0.1", "'-0.1' in THRESHOLD cannot be read"),
        ("0,5", "'0,5' in THRESHOLD cannot be read"),
        ("building=2", "THRESHOLD is 'building=2'"),
        ("building=many", "'building' has the threshold 'many'"),
        ("building=0.1, building=0.2", "gives 'building' two thresholds"),
    ],
)
def test_what_are_no_thresholds_is_refused(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        parse_given_thresholds(text)
    assert caught.value.fix


@pytest.mark.parametrize(("name", "said"), [("background", "no other threshold"), ("roof", "no class of the model")])
def test_only_classes_but_the_first_have_thresholds(name, said):
    with pytest.raises(RequestError, match=said) as caught:
        thresholds_for(f"{name}=0.5", CLASSES)
    assert "building, road, paved" in caught.value.fix


def test_they_belong_to_their_decision():
    def request(**options):
        return PredictSegmentation(input="i.tif", model="m.onnx", output="o.tif", **options)

    assert request(decision="fixed", threshold="a=0.3")
    assert request(decision="otsu", threshold="0.50")
    with pytest.raises(RequestError, match="DECISION 'auto' does not heed it"):
        request(threshold="0.3")
    with pytest.raises(RequestError, match="DECISION 'otsu' does not heed it"):
        request(decision="otsu", threshold="a=0.5")
    with pytest.raises(RequestError, match="cannot be read"):
        request(decision="fixed", threshold="a")
