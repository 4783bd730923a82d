"""Tile statistics are those that numpy finds in the pixels, without pixels that have no data."""

import csv
import json
from ast import literal_eval
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.statistics.tile_statistics import measure_tiles
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.vector import read_features

PERCENTS = (1.0, 2.0, 5.0, 25.0, 50.0, 75.0, 95.0, 98.0, 99.0)
UNOSAT = "index,img_min,img_max,img_mean,img_std,target_ratio,fold_index,skip,img_path"


@pytest.fixture
def measure(tmp_path, recorder):
    """Measures a dataset; returns the result, the fields of the layer, the rows of the table and the summary."""

    def run(dataset, **options):
        paths = {name: str(tmp_path / file) for name, file in
                 (("tiles", "stats.gpkg"), ("tile_stats", "tile_stats.csv"), ("summary", "summary.json"))}  # fmt: skip
        result = measure_tiles(TileStatistics(dataset=str(dataset), **{**paths, **options}), recorder)
        meta, _, _, columns = pyogrio.raw.read(paths["tiles"])
        rows = list(csv.DictReader(Path(paths["tile_stats"]).read_text(encoding="utf-8").splitlines()))
        summary = json.loads(Path(paths["summary"]).read_text(encoding="utf-8"))
        return result, dict(zip(meta["fields"], columns, strict=True)), rows, summary

    return run


@pytest.fixture
def cut(tmp_path, recorder):
    """Makes tiles of rasters and labels with a tile size of 64."""

    def run(images, labels, **options):
        request = MakeTiles(images=images, labels=labels, output=str(tmp_path / "cut"), **{"tile_size": 64, **options})
        return make_tiles(request, recorder).output

    return run


def read_pixels(dataset, splits=("train", "validation", "test", "unused")):
    """All pixels with data (C, P) of the tiles, found with rasterio's masks alone."""
    found = []
    for tile in dataset.tiles:
        if tile.split in splits:
            with rasterio.open(tile.image) as opened:
                image, masks = opened.read(), opened.read_masks().astype(bool)
            by_band = image.dtype.kind == "f"
            valid = masks.all(axis=0) if by_band else masks.any(axis=0)
            valid &= np.isfinite(image).all(axis=0)
            found.append(image[:, valid])
    return np.concatenate(found, axis=1)


def check_summary(summary, pixels):
    assert summary["pixels_with_data"] == pixels.shape[1]
    for one, values in zip(summary["bands"], pixels.astype(np.float64), strict=True):
        assert (one["min"], one["max"]) == (values.min(), values.max())
        assert one["mean"] == pytest.approx(values.mean(), rel=1e-9)
        assert one["std"] == pytest.approx(values.std(), rel=1e-9)
        assert list(one["percentiles"]) == [f"{percent:g}" for percent in PERCENTS]
        assert np.array_equal(list(one["percentiles"].values()), np.percentile(values, PERCENTS))
        assert np.array_equal(one["histogram"]["counts"], np.histogram(values, 256)[0])


REAL = {
    "roofs": ("banepa_buildings/scenes/banepa_A1.tif", "banepa_buildings/buildings.gpkg", {"tile_size": 256}),
    "radar": ("sen1floods11_spain/S1_VV_VH.tif", "sen1floods11_spain/water_label.tif", {}),
    "reflectance": ("sen1floods11_spain/S2_13bands.tif", "sen1floods11_spain/water_polygons.gpkg", {}),
    "landsat": ("landsat8_cloud/l8_9bands_uint16.tif", "landsat8_cloud/cloud_label.tif", {"tile_size": 128}),
    "map": ("historical_map/map_compress.tif", "historical_map/train.gpkg", {"background": "ignore"}),
}


@pytest.mark.parametrize("name", list(REAL))
def test_statistics_of_real_imagery_are_those_of_numpy(name, data, cut, measure):
    image, labels, options = REAL[name]
    dataset = open_dataset(cut([str(data / image)], [str(data / labels)], **options))
    result, columns, rows, summary = measure(dataset.folder)
    check_summary(summary, read_pixels(dataset))
    assert result.tile_count == len(columns["tile"]) == len(rows) == len(dataset.tiles)
    assert [float(part) for part in result.mean.split(", ")] == pytest.approx([b["mean"] for b in summary["bands"]])


@pytest.mark.parametrize(("dtype", "nodata"), [
    ("uint8", 0), ("uint8", None), ("int16", -32768), ("uint16", 0), ("float32", -9999), ("float32", np.nan),
    ("int32", -1), ("float64", np.nan),
])  # fmt: skip
def test_pixels_without_data_never_count(dtype, nodata, make_dataset, measure):
    random = np.random.default_rng(3)
    tiles = []
    for number in range(5):
        image = random.integers(1, 250, (2, 40, 48)).astype(dtype)
        if nodata is not None:
            image[:, : 8 * number, 5:] = nodata
        tiles.append(("train" if number < 3 else "validation", image, np.zeros((40, 48), np.uint8)))
    dataset = open_dataset(make_dataset(tiles, nodata=nodata))
    _, columns, _, summary = measure(dataset.folder, of="training tiles")
    pixels = read_pixels(dataset, ("train",))
    check_summary(summary, pixels)
    lost = 0 if nodata is None else (8 * 43 + 16 * 43)
    assert pixels.shape[1] == 3 * 40 * 48 - lost
    assert columns["nodata_share"] == pytest.approx([(8 * n * 43) / (40 * 48) * (nodata is not None) for n in range(5)])


def test_each_tile_is_measured_from_its_pixels(make_dataset, measure, make_blob_tile):
    random = np.random.default_rng(2)
    tiles = [("train", *make_blob_tile(random, 64)) for _ in range(4)]
    tiles[1][2][:20] = 255
    tiles.append(("validation", np.full((3, 64, 64), 9, np.uint8), np.full((64, 64), 255, np.uint8)))
    result, columns, rows, summary = measure(make_dataset(tiles))
    assert list(columns["skip"]) == [0, 0, 0, 0, 1]
    assert result.skipped_count == summary["skipped"] == 1
    for number, (_, image, label) in enumerate(tiles):
        row = rows[number]
        for name, value in (("min", image.min(axis=(1, 2))), ("max", image.max(axis=(1, 2))),
                            ("mean", image.mean(axis=(1, 2))), ("std", image.std(axis=(1, 2)))):  # fmt: skip
            assert [columns[f"{name}_{band}"][number] for band in (1, 2, 3)] == pytest.approx(value, abs=1e-9)
            assert literal_eval(row[f"img_{name}"]) == pytest.approx(tuple(value), abs=1e-9)
        assert columns["class_7"][number] == int(row["class_7"]) == (label == 7).sum()
        assert float(row["target_ratio"]) == columns["target"][number] == (label == 7).mean()
        known = (label != 255).sum()
        assert columns["share_0"][number] == ((label == 0).sum() / known if known else 0)
        assert row["skip"] == str(number == 4)
        assert (row["index"], row["fold_index"]) == (str(number), "-1")
        assert row["img_path"].endswith(f"images/tile_{number:03d}.tif")
    assert ",".join(rows[0]).startswith(UNOSAT + ",label_path,scene,split,nodata_share,bounds,class_0,class_7")
    assert literal_eval(rows[1]["bounds"]) == (64, 0, 128, 64)
    assert summary["classes"][1]["pixels"] == sum((label == 7).sum() for _, _, label in tiles)
    assert summary["splits"]["train"]["tiles"] == 4
    assert sum(one["share"] for one in summary["classes"]) == pytest.approx(1)


def test_the_layer_is_not_believed(make_dataset, measure, make_blob_tile):
    folder = make_dataset([("train", *make_blob_tile(np.random.default_rng(2), 64)) for _ in range(4)])
    _, before, _, _ = measure(folder)
    with rasterio.open(f"{folder}/images/tile_002.tif", "r+") as opened:
        opened.write(np.full((3, 64, 64), 77, np.uint8))
    _, after, _, _ = measure(folder)
    assert (after["mean_1"][2], after["skip"][2]) == (77, 1)
    assert after["mean_1"][0] == before["mean_1"][0]


def test_tiles_without_labels_are_measured(make_dataset, measure, make_blob_tile):
    folder = open_dataset(make_dataset([("train", *make_blob_tile(np.random.default_rng(2), 64))] * 2)).folder
    described = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**described, "classes": []}))
    _, columns, rows, summary = measure(folder)
    assert summary["classes"] == []
    assert list(columns["target"]) == [0, 0]
    assert "label" not in columns
    assert rows[0]["label_path"] == ""


def test_folds_are_in_layer_table_summary_and_style(make_dataset, measure, make_blob_tile, tmp_path):
    folder = make_dataset([("train", *make_blob_tile(np.random.default_rng(2), 64)) for _ in range(6)])
    _, columns, rows, summary = measure(folder, folds="spatial blocks", fold_count=3, block_size=64)
    assert sorted(columns["fold"]) == [0, 0, 1, 1, 2, 2]
    assert [int(row["fold_index"]) for row in rows] == list(columns["fold"])
    assert [summary["folds"][fold]["tiles"] for fold in "012"] == [2, 2, 2]
    style = (tmp_path / "stats.qml").read_text()
    assert 'attr="fold"' in style
    assert "fold 2" in style


def test_tiles_are_coloured_by_split_without_folds(make_dataset, measure, make_blob_tile, tmp_path):
    _, columns, _, summary = measure(make_dataset([("train", *make_blob_tile(np.random.default_rng(2), 64))] * 2))
    assert 'attr="split"' in (tmp_path / "stats.qml").read_text()
    assert "fold" not in columns
    assert "folds" not in summary


@pytest.mark.parametrize("suffix", [".shp", ".geojson"])
def test_other_formats_hold_the_same(suffix, make_dataset, recorder, make_blob_tile, tmp_path):
    folder = make_dataset([("train", *make_blob_tile(np.random.default_rng(2), 64)) for _ in range(3)])
    path = str(tmp_path / f"stats{suffix}")
    measure_tiles(TileStatistics(dataset=folder, tiles=path), recorder)
    assert len(read_features(path, ["tile", "skip", "mean_1", "class_7"])) == 3


def test_what_cannot_be_measured_is_said(make_dataset, measure, make_blob_tile, recorder):
    folder = make_dataset([("validation", *make_blob_tile(np.random.default_rng(2), 64))] * 2)
    with pytest.raises(InputError, match="no training tiles"):
        measure(folder, of="training tiles")
    with rasterio.open(f"{folder}/labels/tile_001.tif", "w", driver="GTiff", dtype="uint8", count=1, height=9,
                       width=64) as opened:  # fmt: skip
        opened.write(np.zeros((1, 9, 64), np.uint8))
    with pytest.raises(InputError, match=r"tile_001\.tif has 64 x 9 pixels, its image 64 x 64"):
        measure(folder)
    with pytest.raises(RequestError, match="PERCENTILES"):
        TileStatistics(dataset=folder, tiles="x.gpkg", percentiles="1, x")


def test_no_data_at_all_is_an_error(make_dataset, measure):
    folder = make_dataset([("train", np.zeros((1, 32, 32), np.uint8), np.zeros((32, 32), np.uint8))], nodata=0)
    with pytest.raises(InputError, match="No pixel of the 1 tiles has data"):
        measure(folder)


def test_cancelling_leaves_nothing(blobs, make_recorder, tmp_path):
    request = TileStatistics(dataset=blobs, tiles=str(tmp_path / "stats.gpkg"))
    with pytest.raises(Cancelled):
        measure_tiles(request, make_recorder(lambda one: len(one.fractions) > 5))
    assert not list(tmp_path.glob("stats*"))


def test_progress_rises_to_the_end(make_dataset, measure, recorder):
    tile = ("train", np.arange(2 * 32 * 32, dtype=np.float32).reshape(2, 32, 32), np.zeros((32, 32), np.uint8))
    measure(make_dataset([tile] * 3))
    assert recorder.fractions == sorted(recorder.fractions)
    assert max(recorder.fractions) <= 1
