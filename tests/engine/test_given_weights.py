"""Weights of classes as users write them."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.given_weights import parse_given_weights
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("water=1, cloud=4.5", {"water": 1, "cloud": 4.5}),
        (" green roof = 2e-1 ,water=0,", {"green roof": 0.2, "water": 0}),
        ("roads, paved=2, a=b=3", {"roads, paved": 2, "a=b": 3}),
        ("Gebäude=1; Straße=2", {"Gebäude": 1, "Straße": 2}),
    ],
)
def test_weights_are_read(text, weights):
    assert parse_given_weights(text) == weights


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing would count"),
        ("water", "'water' in GIVEN_WEIGHTS cannot be read"),
        ("water=1, cloud", "'cloud' in GIVEN_WEIGHTS cannot be read"),
        ("=1", "'=1' in GIVEN_WEIGHTS cannot be read"),
        ("water=much", "'water' has the weight 'much'"),
        ("water=-1", "'water' has the weight '-1'"),
        ("water=nan", "'water' has the weight 'nan'"),
        ("water=1, water=2", "gives 'water' two weights"),
        ("water=0, cloud=0", "nothing would count"),
    ],
)
def test_what_are_no_weights_is_refused(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        parse_given_weights(text)
    assert caught.value.fix


def test_decimals_have_a_point():
    with pytest.raises(RequestError, match="'5' in GIVEN_WEIGHTS cannot be read") as caught:
        parse_given_weights("buildings=0,5")
    assert "decimals with a point" in caught.value.fix


def test_they_belong_to_their_choice():
    def request(**options):
        return TrainSegmentation(dataset="d", model="m.safetensors", **options)

    assert request(class_weights="given", given_weights="a=1, b=2")
    with pytest.raises(RequestError, match="CLASS_WEIGHTS is given, and GIVEN_WEIGHTS is empty"):
        request(class_weights="given")
    with pytest.raises(RequestError, match="CLASS_WEIGHTS is none, and GIVEN_WEIGHTS is a=1"):
        request(given_weights="a=1")
    with pytest.raises(RequestError, match="cannot be read"):
        request(class_weights="given", given_weights="a")
