"""Names of files."""

from pathlib import PurePath

import pytest
from geoseg.geoseg_plugin.engine.imagery.paths import is_hidden, name_some


@pytest.mark.parametrize(("path", "hidden"), [("a/b.tif", False), (".a/b.tif", True), ("a/.b.tif", True)])
def test_hidden_files_and_what_lies_in_hidden_folders(path, hidden):
    assert is_hidden(PurePath(path)) is hidden


def test_the_first_of_many_are_named():
    assert name_some(["a", "b", "c"]) == "a, b, c"
    assert name_some([PurePath("a"), "b", "c", "d", "e"]) == "a, b, c and 2 more"
