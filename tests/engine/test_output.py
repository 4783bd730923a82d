"""Results appear whole or not at all."""

import os
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.contract.staging import staging_name
from geoseg.geoseg_plugin.engine import completeness
from geoseg.geoseg_plugin.engine.output import discard_all, parts_folder, whole_file, whole_files, whole_folder
from geoseg.geoseg_plugin.engine.style import write_raster_style


@pytest.fixture(autouse=True)
def words_pass_for_pixels(monkeypatch):
    """Let texts stand for rasters: whether a raster is whole is tested in test_completeness and test_run."""
    monkeypatch.setattr(completeness, "check_whole", lambda path: None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_and_what_lies_beside_it_appear_together(tmp_path, recorder):
    with whole_file(str(tmp_path / "new" / "map.tif"), recorder) as path:
        path.write_text("pixels")
        path.with_suffix(".qml").write_text("style")
        assert names(tmp_path / "new") != ["map.qml", "map.tif"]
    assert names(tmp_path / "new") == ["map.qml", "map.tif"]


def test_a_failure_leaves_what_was_there(tmp_path, recorder):
    (tmp_path / "map.tif").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(str(tmp_path / "map.tif"), recorder) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["map.tif"]
    assert (tmp_path / "map.tif").read_text() == "old"


@pytest.fixture
def dataset(tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    (tmp_path / "set" / "dataset.json").write_text('{\n  "format": "geoseg-dataset"\n}')
    return tmp_path / "set"


@pytest.mark.parametrize("name", ["dataset.json", "tiles.gpkg", "labels/a.tif", "images/more/a.tif"])
def test_no_part_of_a_dataset_is_written_over(name, dataset, recorder):
    with pytest.raises(OutputError, match="would change"), whole_file(str(dataset / name), recorder):
        pass
    with pytest.raises(OutputError, match=r"would change|is not empty"), whole_folder(str(dataset / name)):
        pass
    assert names(dataset) == ["dataset.json", "images", "labels"]


def test_what_lies_beside_the_parts_of_a_dataset_is_written(dataset, recorder):
    with whole_file(str(dataset / "check.html"), recorder) as path:
        path.write_text("page")
    assert (dataset / "check.html").read_text() == "page"


def test_a_folder_with_another_dataset_json_is_none(dataset, recorder):
    (dataset / "dataset.json").write_text("{}")
    with whole_file(str(dataset / "labels" / "a.tif"), recorder) as path:
        path.write_text("pixels")
    assert (dataset / "labels" / "a.tif").read_text() == "pixels"


def test_several_files_wait_for_each_other(tmp_path, recorder):
    finals = [str(tmp_path / name) for name in ("a.txt", "b/c.txt")]
    with whole_files(finals, recorder) as paths:
        paths[0].write_text("one")
        assert not (tmp_path / "a.txt").exists()
        paths[1].write_text("two")
    assert [(tmp_path / name).read_text() for name in ("a.txt", "b/c.txt")] == ["one", "two"]
    with pytest.raises(ValueError, match="broken"), whole_files(finals, recorder) as paths:
        paths[0].write_text("three")
        raise ValueError("broken")
    assert [(tmp_path / name).read_text() for name in ("a.txt", "b/c.txt")] == ["one", "two"]
    assert names(tmp_path) == ["a.txt", "b"]


def test_a_folder_appears_whole_in_place_of_an_empty_one(tmp_path):
    (tmp_path / "set").mkdir()
    with whole_folder(str(tmp_path / "set")) as folder:
        (folder / "a").write_text("1")
        assert names(tmp_path / "set") == []
    assert names(tmp_path / "set") == ["a"]
    with pytest.raises(OutputError, match="not empty"), whole_folder(str(tmp_path / "set")):
        pass


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path, recorder):
    with pytest.raises(OutputError, match="is a folder"), whole_file(str(tmp_path), recorder):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError), whole_folder(str(tmp_path / "file")):
        pass
    with pytest.raises(OutputError), whole_file(str(tmp_path / "file" / "map.tif"), recorder):
        pass


def test_leaving_by_force_removes_what_is_unfinished(tmp_path, recorder):
    with pytest.raises(OSError, match="No such file"), whole_file(str(tmp_path / "map.tif"), recorder) as path:
        path.write_text("half")
        discard_all()
        assert names(tmp_path) == []
    assert names(tmp_path) == []


def write(path, report, style=None):
    with whole_file(str(path), report) as staged:
        staged.write_text("new")
        if style:
            write_raster_style(staged, style)


@pytest.mark.parametrize(("name", "beside"), [
    ("map.tif", ["map.tif.ovr", "map.tif.msk", "map.tif.aux.xml"]),
    ("map.shp", ["map.qix", "map.sbn", "map.sbx", "map.prj"]),
    ("map.gpkg", ["map.gpkg-wal", "map.gpkg-shm", "map.gpkg-journal"]),
])  # fmt: skip
def test_what_lay_beside_the_old_file_is_gone(tmp_path, recorder, name, beside):
    for old in (name, *beside, "map.txt", "other.tif.ovr"):
        (tmp_path / old).write_text("old")
    write(tmp_path / name, recorder)
    assert names(tmp_path) == sorted([name, "map.txt", "other.tif.ovr"])


def test_what_lay_beside_stays_where_the_new_file_fails(tmp_path, recorder):
    (tmp_path / "map.tif.ovr").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(str(tmp_path / "map.tif"), recorder):
        raise ZeroDivisionError
    assert names(tmp_path) == ["map.tif.ovr"]


def test_the_style_of_another_file_is_left_alone(tmp_path, recorder):
    (tmp_path / "roads.gpkg").write_text("")
    (tmp_path / "roads.qml").write_text("drawn by hand")
    write(tmp_path / "roads.tif", recorder, ClassTable.named({1: "road"}))
    assert (tmp_path / "roads.qml").read_text() == "drawn by hand"
    assert "roads.qml is the style of another file" in recorder.warnings[0]
    assert names(tmp_path) == ["roads.gpkg", "roads.qml", "roads.tif"]


@pytest.mark.parametrize("other", ["roads.gpkg", "roads.tfw"])
def test_the_own_style_is_replaced(tmp_path, recorder, other):
    (tmp_path / other).write_text("")
    write(tmp_path / "roads.tif", recorder, ClassTable.named({1: "road"}))
    write(tmp_path / "roads.tif", recorder, ClassTable.named({1: "ro--ad", 2: "path"}))
    assert "path" in (tmp_path / "roads.qml").read_text()
    assert recorder.warnings == []


def test_a_style_by_hand_of_the_same_file_is_replaced(tmp_path, recorder):
    (tmp_path / "roads.tif").write_text("old")
    (tmp_path / "roads.qml").write_text("drawn by hand")
    write(tmp_path / "roads.tif", recorder, ClassTable.named({1: "road"}))
    assert "paletted" in (tmp_path / "roads.qml").read_text()


def test_a_file_that_cannot_be_replaced_keeps_its_style(tmp_path, recorder, monkeypatch):
    write(tmp_path / "map.tif", recorder, ClassTable.named({1: "old"}))
    replace = Path.replace

    def refuse(self, target):
        if self.name == "map.tif":
            raise PermissionError(13, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match=r"map\.tif cannot be replaced: in use"):
        write(tmp_path / "map.tif", recorder, ClassTable.named({1: "new"}))
    assert "old" in (tmp_path / "map.qml").read_text()
    assert names(tmp_path) == ["map.qml", "map.tif"]


def test_what_an_earlier_process_of_the_same_id_left_is_no_obstacle(tmp_path, recorder):
    left = tmp_path / staging_name("map.tif", os.getpid())
    left.mkdir()
    (left / "map.tif").write_text("half")
    write(tmp_path / "map.tif", recorder)
    assert names(tmp_path) == ["map.tif"]
    assert (tmp_path / "map.tif").read_text() == "new"


def test_what_another_run_is_writing_is_refused(tmp_path, recorder):
    other = tmp_path / staging_name("map.tif", os.getppid())
    other.mkdir()
    with (
        pytest.raises(OutputError, match=f"being written by another run \\(process {os.getppid()}\\)"),
        whole_file(str(tmp_path / "map.tif"), recorder),
    ):
        pass
    assert names(tmp_path) == [other.name]


@pytest.mark.parametrize(
    "kind", ["of a process that has ended", "of one whose id is another one's by now", "of a namesake"]
)
def test_what_a_dead_run_has_left_is_no_hindrance(tmp_path, recorder, kind):
    process_id = 2**22 + 1 if "ended" in kind else os.getppid()  # Linux has no process beyond the first
    left = tmp_path / staging_name("map.tif-2" if "namesake" in kind else "map.tif", process_id)
    left.mkdir()
    if "another" in kind:
        os.utime(left, (0, 0))
    with whole_file(str(tmp_path / "map.tif"), recorder) as path:
        path.write_text("pixels")
    assert (tmp_path / "map.tif").read_text() == "pixels"


def test_a_folder_for_parts_goes_with_its_block(tmp_path):
    before, known = tmp_path / "map.tif.unfinished", "of an earlier run"
    before.mkdir()
    (before / "run.json").write_text(known)
    with parts_folder(str(tmp_path / "map.tif")) as folder:
        assert folder.parent == tmp_path
        assert folder.name == staging_name("map.tif.unfinished", os.getpid())
        (folder / "part").write_text("half")
    with pytest.raises(ZeroDivisionError), parts_folder(str(tmp_path / "map.tif")) as folder:
        (folder / "part").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["map.tif.unfinished"]
    assert (before / "run.json").read_text() == known
