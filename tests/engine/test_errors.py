"""Errors cross between the Pythons with their kind, message and fix."""

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError, InputError, OutsideError, error_from_json


@pytest.mark.parametrize(
    "error",
    [
        InputError("The file x is broken.", "Copy it again."),
        OutsideError("It is off."),
        Cancelled(),
        GeosegError("No."),
    ],
)
def test_an_error_crosses_unchanged(error):
    rebuilt = error_from_json(error.to_json())

    assert type(rebuilt) is type(error)
    assert (rebuilt.message, rebuilt.fix) == (error.message, error.fix)


def test_message_and_fix_read_as_one_text():
    assert str(InputError("The file x is broken.", "Copy it again.")) == "The file x is broken. Copy it again."


def test_an_unknown_kind_is_still_an_error():
    assert type(error_from_json({"kind": "Strange", "message": "m"})) is GeosegError
