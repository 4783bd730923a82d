"""Results appear whole or not at all."""

import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.output import discard_all, whole_file, whole_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_and_what_lies_beside_it_appear_together(tmp_path):
    with whole_file(str(tmp_path / "new" / "map.tif")) as path:
        path.write_text("pixels")
        path.with_suffix(".qml").write_text("style")
        assert names(tmp_path / "new") != ["map.qml", "map.tif"]
    assert names(tmp_path / "new") == ["map.qml", "map.tif"]


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "map.tif").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(str(tmp_path / "map.tif")) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["map.tif"]
    assert (tmp_path / "map.tif").read_text() == "old"


def test_a_folder_appears_whole_in_place_of_an_empty_one(tmp_path):
    (tmp_path / "set").mkdir()
    with whole_folder(str(tmp_path / "set")) as folder:
        (folder / "a").write_text("1")
        assert names(tmp_path / "set") == []
    assert names(tmp_path / "set") == ["a"]
    with pytest.raises(OutputError, match="not empty"), whole_folder(str(tmp_path / "set")):
        pass


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path):
    with pytest.raises(OutputError, match="is a folder"), whole_file(str(tmp_path)):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError), whole_folder(str(tmp_path / "file")):
        pass
    with pytest.raises(OutputError), whole_file(str(tmp_path / "file" / "map.tif")):
        pass


def test_leaving_by_force_removes_what_is_unfinished(tmp_path):
    with pytest.raises(OSError, match="No such file"), whole_file(str(tmp_path / "map.tif")) as path:
        path.write_text("half")
        discard_all()
        assert names(tmp_path) == []
    assert names(tmp_path) == []
