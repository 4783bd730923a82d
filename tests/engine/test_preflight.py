"""The check before training: errors stop it, warnings are few, and some tiles stand for many."""

import numpy as np
import pyogrio
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.engine.datasets.checking import preflight
from geoseg.geoseg_plugin.engine.datasets.checking.preflight import check_before_training
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset


@pytest.fixture
def tiles(make_blob_tile):
    random = np.random.default_rng(1)
    return [["train" if number < 12 else "validation", *make_blob_tile(random, 48)] for number in range(16)]


def _check(folder, recorder):
    check_before_training(open_dataset(folder), recorder)


def test_nothing_is_said_of_a_clean_dataset_but_how_much_was_looked_at(blobs, recorder):
    _check(blobs, recorder)
    assert recorder.warnings == []
    assert recorder.notes == ["Tiles looked at: 32 of 32; no findings."]


def test_the_worst_error_stops_it_and_says_how_many_more_there_are(tiles, make_dataset, recorder):
    tiles[3][2][:4] = 9
    tiles[13][1] = tiles[2][1]
    with pytest.raises(InputError, match=r"hold 9 in 192 pixels.*There is 1 error more\.") as caught:
        _check(make_dataset(tiles), recorder)
    assert "'Check dataset'" in caught.value.fix


def test_warnings_are_few_and_brief(tiles, make_dataset, recorder, monkeypatch):
    monkeypatch.setattr(preflight, "_MOST_TOLD", 1)
    tiles[3][1] = tiles[2][1]
    tiles[4][1] = tiles[4][1].astype(np.uint16)
    _check(make_dataset(tiles), recorder)
    assert len(recorder.warnings) == 1
    assert "The same pixels" in recorder.warnings[0]
    assert recorder.notes[-1].endswith("There is 1 warning more.")


def test_notes_are_told(tiles, make_dataset, recorder):
    tiles[3][1][0] = 50
    _check(make_dataset(tiles), recorder)
    assert recorder.warnings == []
    assert recorder.notes == [
        "Tiles looked at: 16 of 16; 1 note.", "A band has one value only in 1 tile (tile_003).",
    ]  # fmt: skip


def test_few_tiles_to_learn_from_are_warned_of(tiles, make_dataset, recorder):
    _check(make_dataset(tiles[5:]), recorder)
    assert recorder.warnings == ["There are only few tiles to learn from: 7."]


def test_some_tiles_stand_for_many(tiles, make_dataset, recorder, monkeypatch):
    monkeypatch.setattr(preflight, "MOST_TILES", 4)
    seen = []
    look = preflight.survey_tiles

    def spy(pairs, report, chosen):
        seen.extend(pair.id for pair in chosen)
        return look(pairs, report, chosen)

    monkeypatch.setattr(preflight, "survey_tiles", spy)
    _check(make_dataset(tiles), recorder)
    assert seen == ["tile_000", "tile_005", "tile_010", "tile_015"]
    assert recorder.notes == ["Tiles looked at: 4 of 16; no findings."]


def test_of_large_tiles_fewer_are_looked_at(tiles, make_dataset, recorder, monkeypatch):
    monkeypatch.setattr(preflight, "_FEW_TILES", 2)
    monkeypatch.setattr(preflight, "_MOST_BYTES", 3 * 48 * 48 * 5)
    _check(make_dataset(tiles), recorder)
    assert recorder.notes == ["Tiles looked at: 5 of 16; no findings."]


@pytest.mark.parametrize(
    ("blank", "said"),
    [
        (lambda split, label: 0 * label, "All labelled pixels are background"),
        (lambda split, label: 0 * label + 255, "All labels are to be ignored"),
        (lambda split, label: 0 * label + 255 if split == "train" else label, "No training tile has a labelled pixel"),
        (lambda split, label: 0 * label if split == "train" else label, "All labelled pixels of the training tiles"),
    ],
)
def test_what_some_tiles_show_for_all_labels_is_looked_up_in_the_others(
    blank, said, tiles, make_dataset, recorder, monkeypatch
):
    monkeypatch.setattr(preflight, "MOST_TILES", 4)
    for tile in tiles:
        tile[2] = blank(tile[0], tile[2])
    with pytest.raises(InputError, match=said):
        _check(make_dataset(tiles), recorder)


def test_reading_the_other_labels_can_be_cancelled(tiles, make_dataset, make_recorder, monkeypatch):
    monkeypatch.setattr(preflight, "MOST_TILES", 4)
    for tile in tiles:
        tile[2][:] = 0
    recorder = make_recorder(lambda self: "Looking at the other labels" in self.texts)
    with pytest.raises(Cancelled):
        _check(make_dataset(tiles), recorder)


def test_some_tiles_prove_nothing_for_all(tiles, make_dataset, recorder, monkeypatch):
    monkeypatch.setattr(preflight, "MOST_TILES", 4)
    for number in (0, 5, 10, 15):
        tiles[number][2][:] = 0
    _check(make_dataset(tiles), recorder)
    assert recorder.warnings[0].startswith("In the 4 tiles looked at: All labelled pixels are background")


def test_a_split_edited_in_the_layer_is_noticed(tiles, make_dataset, recorder):
    folder = make_dataset(tiles)
    path = f"{folder}/tiles.gpkg"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    wkb[13] = wkb[2]
    pyogrio.raw.write(
        path, wkb, columns, meta["fields"], layer="tiles", driver="GPKG", geometry_type="Polygon", crs="EPSG:32645"
    )
    with pytest.raises(InputError, match=r"2 tiles show ground .* tile_002 \(train\) and tile_013 \(validation\)"):
        _check(folder, recorder)


def test_footprints_that_are_not_there_are_a_warning(tiles, make_dataset, recorder):
    folder = make_dataset(tiles)
    path = f"{folder}/tiles.gpkg"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    wkb[13] = None
    pyogrio.raw.write(
        path, wkb, columns, meta["fields"], layer="tiles", driver="GPKG", geometry_type="Polygon", crs="EPSG:32645"
    )
    _check(folder, recorder)
    assert "tile_013 has no footprint" in recorder.warnings[0]


def test_unused_tiles_are_not_looked_at(tiles, make_dataset, recorder):
    tiles[3][0] = "unused"
    tiles[3][2][:4] = 9
    _check(make_dataset(tiles), recorder)
    assert recorder.notes == ["Tiles looked at: 15 of 15; no findings."]


def test_it_can_be_cancelled(blobs, make_recorder):
    with pytest.raises(Cancelled):
        _check(blobs, make_recorder(lambda self: len(self.fractions) > 2))
