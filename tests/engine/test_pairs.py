"""What is checked: a dataset, or any folder of images and labels of the same names."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.checking.pairs import find_pairs
from geoseg.geoseg_plugin.engine.datasets.checking.survey import survey_tiles
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


@pytest.fixture
def fill(tmp_path):
    def fill(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            write_raster(path, np.ones((1, 4, 4), dtype=np.uint8))
        return str(tmp_path)

    return fill


def test_a_dataset_brings_all_it_knows(blobs):
    pairs = find_pairs(blobs, ())
    assert len(pairs.pairs) == 32
    assert pairs.has_splits
    assert (pairs.classes.values, pairs.ignore_value, pairs.dtype, pairs.tile_size) == ((0, 7), 255, "uint8", 64)
    assert (pairs.pairs[0].id, pairs.pairs[0].split, pairs.pairs[0].scene) == ("tile_000", "train", "scene")


def test_a_dataset_may_lack_files_which_are_found_then(make_dataset, make_blob_tile):
    random = np.random.default_rng(1)
    folder = make_dataset([("train", *make_blob_tile(random, 48)) for _ in range(3)])
    Path(folder, "images", "tile_001.tif").unlink()
    Path(folder, "labels", "tile_002.tif").unlink()
    tiles = survey_tiles(find_pairs(folder, ()), Listener()).tiles
    assert ["cannot be" in tile.problem or "not exist" in tile.problem for tile in tiles] == [False, True, True]


@pytest.mark.parametrize("is_described", [True, False])
def test_an_unfinished_dataset_is_refused(is_described, blobs, tmp_path):
    shutil.copytree(blobs, tmp_path / "set")
    (tmp_path / "set" / "unfinished.json").write_text("{}")
    if not is_described:
        (tmp_path / "set" / "dataset.json").unlink()
    with pytest.raises(InputError, match="unfinished") as caught:
        find_pairs(str(tmp_path / "set"), ())
    assert "RESUME" in caught.value.fix


def test_files_are_paired_by_name_whatever_their_suffix(fill):
    folder = fill("images/b.tif", "images/a.TIFF", "labels/a.tif", "labels/b.tif", "images/only.tif", "labels/x.tif")
    pairs = find_pairs(folder, (0, 1))
    assert [pair.id for pair in pairs.pairs] == ["a", "b"]
    assert [path.name for path in pairs.alone] == ["only.tif", "x.tif"]
    assert pairs.classes.names == ("background", "class 1")
    assert not pairs.has_splits


def test_sidecars_are_no_images(fill, tmp_path):
    folder = fill("images/a.tif", "labels/a.tif")
    (tmp_path / "images" / "a.tif.aux.xml").write_text("<PAMDataset/>")
    (tmp_path / "images" / "a.tfw").write_text("1")
    pairs = find_pairs(folder, ())
    assert pairs.alone == ()
    assert pairs.classes is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no folder images and no folder labels"),
        (["images/a.tif"], "no folder labels"),
        (["images/a.tif", "labels/b.tif"], "1 images and 1 labels, but no two of the same name"),
    ],
)
def test_what_is_neither_is_refused(names, message, fill):
    with pytest.raises(InputError, match=message):
        find_pairs(fill(*names), ())
