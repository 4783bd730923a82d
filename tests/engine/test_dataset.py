"""A dataset on disk: what was written is what is opened, and what is broken says so."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset


@pytest.fixture
def dataset(make_dataset, make_blob_tile):
    random = np.random.default_rng(0)
    return make_dataset([(split, *make_blob_tile(random, 32)) for split in ("train", "validation", "train")])


def rewrite(folder, **changes):
    meta, _, wkb, columns = pyogrio.raw.read(f"{folder}/tiles.gpkg")
    table = dict(zip(meta["fields"], columns, strict=True)) | {
        name: np.array(values, dtype=object) for name, values in changes.items()
    }
    pyogrio.raw.write(
        f"{folder}/tiles.gpkg", wkb, list(table.values()), list(table), layer="tiles", driver="GPKG",
        geometry_type="Polygon", crs="EPSG:32645",
    )  # fmt: skip


def test_opening(dataset):
    opened = open_dataset(dataset)
    assert [tile.split for tile in opened.tiles] == ["train", "validation", "train"]
    assert [tile.id for tile in opened.split("train")] == ["tile_000", "tile_002"]
    assert all(tile.image.is_file() and tile.label.is_file() for tile in opened.tiles)
    assert (opened.tile_size, opened.dtype, opened.ignore_value) == (32, "uint8", 255)
    assert len(opened.bands) == len(opened.statistics) == 3
    assert len(opened.fingerprint) == 64


def test_edits_of_the_layer_count(dataset):
    before = open_dataset(dataset).fingerprint
    rewrite(dataset, split=["validation", "train", "train"])
    assert [tile.split for tile in open_dataset(dataset).tiles] == ["validation", "train", "train"]
    assert open_dataset(dataset).fingerprint != before
    rewrite(dataset, split=["train", "validation", "train"])
    assert open_dataset(dataset).fingerprint == before


@pytest.mark.parametrize(("changes", "message"), [
    ({"split": ["train", "tset", "train"]}, "Tile tile_001 .* has the split 'tset'"),
    ({"split": ["train", None, "train"]}, "has the split 'None'"),
    ({"tile": ["tile_000", "tile_000", "tile_002"]}, "lists tile tile_000 2 times"),
    ({"tile": ["tile_000", "tile_009", "tile_002"]}, r"1 of 3 tiles have no file .*tile_009\.tif"),
])  # fmt: skip
def test_a_layer_that_makes_no_sense_is_refused(dataset, changes, message):
    rewrite(dataset, **changes)
    with pytest.raises(InputError, match=message):
        open_dataset(dataset)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "geoseg-dataset", "version": 1}', "\xff"])
def test_a_broken_description_is_refused(dataset, text):
    Path(dataset, "dataset.json").write_text(text, encoding="latin1")
    with pytest.raises(InputError, match=r"dataset\.json") as caught:
        open_dataset(dataset)
    assert "Error" not in caught.value.message


def test_later_formats_and_other_folders_are_refused(dataset, tmp_path):
    description = Path(dataset, "dataset.json")
    description.write_text(json.dumps({**json.loads(description.read_text("utf-8")), "version": 99}), "utf-8")
    with pytest.raises(InputError, match="later GeoSeg"):
        open_dataset(dataset)
    with pytest.raises(InputError, match="is no GeoSeg dataset"):
        open_dataset(str(tmp_path))


def test_a_missing_or_empty_layer_is_refused(dataset, tmp_path):
    (tmp_path / "dataset" / "tiles.gpkg").write_bytes(b"")
    with pytest.raises(InputError, match=r"tiles\.gpkg cannot be read: it is damaged, or holds no layer 'tiles'"):
        open_dataset(dataset)
    (tmp_path / "dataset" / "tiles.gpkg").unlink()
    with pytest.raises(InputError, match=r"tiles\.gpkg cannot be read"):
        open_dataset(dataset)
