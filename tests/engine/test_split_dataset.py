"""A dataset split anew: the same tiles in other sets, which share no ground."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.tests.engine.apart import SETS, check_apart


def snapshot(folder):
    """Bytes and times of all files of a folder."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_the_new_dataset_has_the_same_tiles_in_other_sets(cut_scenes, split_anew, recorder):
    source = cut_scenes()
    before = snapshot(source)
    old = open_dataset(source)
    dataset, result, fields, polygons = split_anew(source)
    assert snapshot(source) == before
    assert [tile.id for tile in dataset.tiles] == [tile.id for tile in old.tiles]
    counts = [len(dataset.split(name)) for name in (*SETS, "unused")]
    assert counts == [result.train_count, result.validation_count, result.test_count, result.unused_count]
    assert counts[3] == 0
    assert counts[1] == pytest.approx(0.2 * 64, abs=2)
    assert counts[2] == pytest.approx(0.1 * 64, abs=2)
    check_apart(fields["split"], polygons)
    assert (dataset.classes, dataset.dtype, dataset.crs) == (old.classes, old.dtype, old.crs)
    for one, other in zip(dataset.tiles, old.tiles, strict=True):
        for kind in ("image", "label"):
            assert getattr(one, kind).samefile(getattr(other, kind))
    assert any("128 files are hard links" in text for text in recorder.notes)


def test_statistics_are_those_of_the_new_training_tiles(cut_scenes, split_anew):
    dataset, _, _, _ = split_anew(cut_scenes(nodata=0))
    pixels = []
    for tile in dataset.split("train"):
        with rasterio.open(tile.image) as opened:
            image = opened.read()
            pixels.append(image[:, image.any(axis=0)].astype(float))
    joined = np.concatenate(pixels, axis=1)
    for band, one in enumerate(dataset.statistics):
        assert (one.mean, one.std) == (pytest.approx(joined[band].mean()), pytest.approx(joined[band].std()))
        assert (one.minimum, one.maximum) == (joined[band].min(), joined[band].max())


def test_it_says_how_it_was_made_and_from_what(cut_scenes, split_anew):
    source = cut_scenes()
    dataset, _, _, _ = split_anew(source, seed=5)
    request = dataset.made["request"]
    assert (request["stage"], request["parameters"]["seed"]) == ("splitdataset", 5)
    assert dataset.made["source"]["folder"] == source
    assert dataset.made["source"]["fingerprint"] == open_dataset(source).fingerprint
    assert dataset.made["source"]["made"]["request"]["stage"] == "maketiles"
    assert dataset.made["scenes"] == open_dataset(source).made["scenes"]


def test_class_shares_are_told(cut_scenes, split_anew, recorder):
    _, result, fields, _ = split_anew(cut_scenes())
    shares = json.loads(result.class_shares)
    assert set(shares) == set(SETS)
    for name, own in shares.items():
        mine = fields["split"] == name
        pixels = [fields[f"class_{value}"][mine].sum() for value in (0, 1)]
        assert [own["0"], own["1"]] == pytest.approx([100 * one / sum(pixels) for one in pixels], abs=1e-3)
    assert abs(shares["train"]["1"] - shares["validation"]["1"]) < 3
    assert any(text.startswith("validation: ") and "background" in text for text in recorder.notes)


def test_the_same_seed_splits_alike_and_another_differs(cut_scenes, split_anew):
    source = cut_scenes()
    splits = [tuple(split_anew(source, str(at), seed=seed)[2]["split"]) for at, seed in enumerate((1, 1, 2, 3))]
    assert splits[0] == splits[1]
    assert len(set(splits)) > 1


@pytest.mark.parametrize("method", ["spatial blocks", "random"])
@pytest.mark.parametrize("buffer", [0, 20])
def test_sets_lie_apart_on_the_ground(cut_scenes, split_anew, method, buffer):
    source = cut_scenes([("a", 0), ("b", 100)], overlap=30)
    options = {"validation": 20, "test": 10} if method == "spatial blocks" else {"validation": 1, "test": 1}
    _, result, fields, polygons = split_anew(source, method=method, buffer=buffer, **options)
    check_apart(fields["split"], polygons, buffer * 0.5)
    assert result.unused_count > 0


def test_tiles_unused_before_take_part_again(cut_scenes, split_anew):
    source = cut_scenes([("a", 0), ("b", 5000)], overlap=30, validation=20, block_size=128)
    assert open_dataset(source).split("unused")
    _, result, _, _ = split_anew(source, method="scene", validation_names="b")
    assert result.unused_count == 0
    assert result.train_count == result.validation_count


def test_random_warns_of_leakage(cut_scenes, split_anew, recorder):
    split_anew(cut_scenes(), method="random")
    assert any("figures are too good" in text for text in recorder.warnings)


def test_scenes_are_drawn_where_none_is_named(cut_scenes, split_anew):
    source = cut_scenes([(name, 1000 * number) for number, name in enumerate("abcde")])
    dataset, _, _, _ = split_anew(source, method="scene", test=20)
    sets = [{tile.scene for tile in dataset.split(name)} for name in SETS]
    assert [len(one) for one in sets] == [3, 1, 1]


def edit(source, change):
    """Change the fields and footprints of tiles.gpkg as a user may by hand."""
    path = f"{source}/tiles.gpkg"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    fields, wkb = change(dict(zip(meta["fields"], columns, strict=True)), wkb)
    Path(path).unlink()
    pyogrio.raw.write(
        path, wkb, list(fields.values()), list(fields), layer="tiles", driver="GPKG", geometry_type="Polygon",
        crs=meta["crs"],
    )  # fmt: skip


def test_layers_edited_by_hand_are_used_as_they_are(cut_scenes, split_anew):
    source = cut_scenes()
    edit(source, lambda fields, wkb: (
        {**{name: column[::-1][3:] for name, column in fields.items()}, "note": np.arange(61)}, wkb[::-1][3:]
    ))  # fmt: skip
    dataset, result, fields, _ = split_anew(source)
    assert len(dataset.tiles) == len(list((dataset.folder / "images").iterdir())) == 61
    assert result.unused_count == 0
    assert "note" not in fields


def test_layers_that_lost_their_statistics_are_measured_anew(cut_scenes, split_anew, recorder):
    source = cut_scenes()
    whole = split_anew(source, "whole")
    edit(source, lambda fields, wkb: ({name: fields[name] for name in ("tile", "scene", "split")}, wkb))
    dataset, result, fields, _ = split_anew(source)
    assert any("they are measured" in text for text in recorder.notes)
    assert list(fields["split"]) == list(whole[2]["split"])
    assert result.class_shares == whole[1].class_shares
    for one, other in zip(dataset.statistics, whole[0].statistics, strict=True):
        assert one.mean == pytest.approx(other.mean)


def test_unlabelled_tiles_and_smaller_ones_are_split(cut_scenes, split_anew):
    dataset, result, _, _ = split_anew(cut_scenes(labelled=False, edges="shrink", layout="stride", stride=60))
    assert result.class_shares == "{}"
    assert dataset.split("validation")
    assert not (dataset.folder / "labels").exists() or not list((dataset.folder / "labels").iterdir())


def test_a_split_dataset_can_be_split_again(cut_scenes, split_anew):
    dataset, _, _, _ = split_anew(cut_scenes())
    again, _, _, _ = split_anew(str(dataset.folder), "again", method="random")
    assert again.made["source"]["made"]["source"]["made"]["request"]["stage"] == "maketiles"
