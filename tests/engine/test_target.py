"""Which classes are the target."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.engine.training.sampling.target import choose_targets

NAMES = ("ground", "roof", "roof, tin", "tin", "water, deep,cold")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (None, [1, 2, 3, 4]),
        ("roof", [1]),
        (" tin ,ground,", [0, 3]),
        ("roof, tin", [2]),
        ("roof,tin", [2]),
        ("tin, roof", [1, 3]),
        ("roof, roof, tin", [1, 2]),
        ("water, deep,cold, tin", [3, 4]),
    ],
)
def test_names_may_hold_commas(text, chosen):
    assert [index for index, is_target in enumerate(choose_targets(text, NAMES)) if is_target] == chosen


@pytest.mark.parametrize(
    ("text", "said"),
    [("roof, Water", "names 'Water'"), ("water", "names 'water'"), (" , ", "names no class"), ("", "names no class")],
)
def test_names_that_are_of_no_class_are_refused_with_all_that_are(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        choose_targets(text, NAMES)
    assert "ground, roof, roof, tin, tin, water, deep,cold" in caught.value.fix
