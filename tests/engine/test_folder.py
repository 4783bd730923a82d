"""The folder beside OUTPUT that a prediction with RESUME keeps its parts in."""

import json
import os

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError, OutputError
from geoseg.geoseg_plugin.contract.staging import staging_name
from geoseg.geoseg_plugin.engine.prediction.keeping.folder import (
    UnfinishedFolder,
    folder_of,
    telling_how_to_go_on,
    warn_of_unfinished,
)
from geoseg.tests.engine.mapping import ask, write_scene

SETTLED = {"precision": "bfloat16", "backend": "torch"}


@pytest.fixture
def request_here(tmp_path):
    return ask(write_scene(tmp_path, shape=(64, 64)), tmp_path / "out")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_lies_beside_the_output(request_here, tmp_path):
    assert folder_of(request_here) == tmp_path / "out" / "map.tif.unfinished"
    folder = UnfinishedFolder(request_here)
    assert folder.settled == {}
    assert not folder.path.exists()


def test_what_was_chosen_is_found_again(request_here):
    store = UnfinishedFolder(request_here).begin(SETTLED, 3)
    assert store.folder == folder_of(request_here)
    assert names(store.folder) == ["run.json"]
    assert UnfinishedFolder(request_here).settled == SETTLED


def test_what_ended_while_it_was_made_is_made_anew(request_here):
    folder_of(request_here).mkdir(parents=True)
    (folder_of(request_here) / "run.json.part").write_text("ha")
    UnfinishedFolder(request_here).begin(SETTLED, 3)
    assert names(folder_of(request_here)) == ["run.json"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_something_else_in_its_place_is_left_alone(request_here, kind):
    place = folder_of(request_here)
    place.parent.mkdir()
    if kind == "folder":
        place.mkdir()
        (place / "notes.txt").write_text("of the user")
    else:
        place.write_text("of the user")
    with pytest.raises(OutputError, match=r"map\.tif\.unfinished is in the way"):
        UnfinishedFolder(request_here)
    assert (place / "notes.txt" if kind == "folder" else place).read_text() == "of the user"


def test_what_does_not_say_what_it_is_is_refused(request_here):
    UnfinishedFolder(request_here).begin(SETTLED, 3)
    (folder_of(request_here) / "run.json").write_text("{")
    with pytest.raises(OutputError, match="it is damaged") as caught:
        UnfinishedFolder(request_here)
    assert f"remove {folder_of(request_here)}" in caught.value.fix


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    request = ask(write_scene(tmp_path, shape=(64, 64)), tmp_path / "file")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match=r"map\.tif\.unfinished cannot be written to"):
        UnfinishedFolder(request).begin({}, 3)


NOBODY = 2**22 + 1  # Linux has no process beyond the one before


@pytest.mark.parametrize(("changes", "stays"), [({}, False), ({"computer": "other"}, True), ({"process": 1}, True)])
def test_what_a_power_cut_has_left_of_the_results_goes(request_here, changes, stays):
    UnfinishedFolder(request_here).begin(SETTLED, 3)
    path = folder_of(request_here) / "run.json"
    stated = json.loads(path.read_text())
    assert stated["process"] == os.getpid()
    stated = {**stated, "process": NOBODY, **changes}
    path.write_text(json.dumps(stated))
    left = [path.parent.parent / staging_name(name, stated["process"]) for name in ("map.tif", "p.tif")]
    for folder in left:
        folder.mkdir()
        (folder / "half.tif").write_text("half")
    UnfinishedFolder(request_here).begin(SETTLED, 3)
    assert [folder.exists() for folder in left] == [stays, stays]


def test_it_goes_with_all_that_was_kept(request_here, recorder):
    folder = UnfinishedFolder(request_here)
    folder.begin(SETTLED, 3)
    for name in ("row0_column0_1x1.strip", "row0_column0_1x1.strip.1-1.part"):
        (folder.path / name).write_text("kept")
    folder.remove(recorder)
    assert names(folder.path.parent) == []
    assert recorder.warnings == []


def test_what_others_have_put_there_stays(request_here, recorder):
    folder = UnfinishedFolder(request_here)
    folder.begin(SETTLED, 3)
    (folder.path / "notes.txt").write_text("of the user")
    folder.remove(recorder)
    assert names(folder.path) == ["notes.txt"]
    assert "cannot be removed" in recorder.warnings[0]


def test_all_that_is_read_is_watched(tmp_path):
    scene = write_scene(tmp_path, shape=(64, 64))
    area = tmp_path / "area.geojson"
    area.write_text("{}")
    request = ask(scene, tmp_path / "out", area=str(area), further_models=(scene[1],))
    UnfinishedFolder(request).begin({}, 3)
    stated = json.loads((folder_of(request) / "run.json").read_text())
    assert set(stated["sources"]) == {*scene, str(area)}
    assert len(stated["sources"][scene[1]]) == 64
    assert stated["sources"][scene[0]][-1]["height"] == 64
    area.write_text("{ }")
    with pytest.raises(OutputError, match=r"since which .*area\.geojson has changed"):
        UnfinishedFolder(request)


def test_a_run_without_it_says_that_it_is_there(request_here, recorder):
    warn_of_unfinished(request_here, recorder)
    assert recorder.warnings == []
    UnfinishedFolder(request_here).begin({}, 3)
    warn_of_unfinished(request_here, recorder)
    assert "RESUME would go on with" in recorder.warnings[0]


def test_ends_say_how_to_go_on_where_something_is_kept(request_here, recorder):
    folder = UnfinishedFolder(request_here)
    with pytest.raises(Cancelled, match="nothing was written"), telling_how_to_go_on(folder, recorder):
        raise Cancelled
    folder.begin({}, 3)
    with (
        pytest.raises(Cancelled, match="is kept in") as caught,
        telling_how_to_go_on(folder, recorder),
    ):
        raise Cancelled
    assert "RESUME" in caught.value.fix
    with pytest.raises(GeosegError, match=r"It fails\."), telling_how_to_go_on(folder, recorder):
        raise GeosegError("It fails.")
    assert ["RESUME goes on" in note for note in recorder.notes] == [True]
