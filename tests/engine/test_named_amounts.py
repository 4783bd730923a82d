"""Amounts by name as users write them."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.named_amounts import parse_named_amounts


def parse(text):
    return parse_named_amounts(text, "SHARES", "share", "Write name=share.")


def test_names_may_hold_commas_spaces_and_signs_of_equality():
    assert parse("wet, dry=1, a=b=0.5; Straße = 2,") == {"wet, dry": 1, "a=b": 0.5, "Straße": 2}
    assert parse(" ") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("water", "'water' in SHARES cannot be read"),
        ("water=-1", "'water' has the share '-1' in SHARES"),
        ("water=1, water=1", "SHARES gives 'water' two shares"),
    ],
)
def test_what_is_wrong_is_told_with_its_parameter(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        parse(text)
    assert caught.value.fix
