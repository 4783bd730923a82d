"""Numbers of 0 or more in a text."""

import pytest
from geoseg.geoseg_plugin.contract.amounts import read_amount


@pytest.mark.parametrize(("text", "amount"), [("0", 0), (" 2.5 ", 2.5), (".5", 0.5), ("1e+1", 10)])
def test_numbers_are_read(text, amount):
    assert read_amount(text) == amount


@pytest.mark.parametrize("text", ["", "two", "0,5", "-1", "nan", "inf", "1e999"])
def test_what_is_none_is_refused(text):
    with pytest.raises(ValueError):
        read_amount(text)
