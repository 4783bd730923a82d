"""Tiles hold the right pixels whoever cuts them, and say rightly where they have none."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.placed import place_tiles
from geoseg.geoseg_plugin.engine.datasets.tiling import patches
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.raster import read_valid
from rasterio.windows import Window

SIDE = 300


@pytest.fixture
def scene():
    return np.random.default_rng(5).integers(1, 250, (3, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def label(scene):
    return (scene[:1] > 240).astype(np.uint8)


@pytest.fixture
def cut(tmp_path, recorder):
    def run(image, labels=None, **options):
        defaults = {"tile_size": 64, "validation": 0, "output": str(tmp_path / "tiles")}
        request = MakeTiles(images=(image,), labels=(labels,) if labels else (), **{**defaults, **options})
        dataset = open_dataset(make_tiles(request, recorder).output)
        return dataset, place_tiles(dataset).table()

    return run


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "options",
    [
        {"overlap": 50, "validation": 20},
        {"layout": "random", "count": 40, "min_labelled": 3.6},
        {"layout": "stride", "stride": 50, "edges": "reflect"},
        {"edges": "pad with a value", "fill": 9, "layout": "stride", "compression": "zstd"},
    ],
)
def test_any_number_of_threads_gives_the_same_files(cut, make_raster, scene, label, options, monkeypatch):
    scene[:, 30:90, 100:180] = 0
    image, labels = make_raster("scene.tif", scene), make_raster("label.tif", label)
    results = []
    for workers, patch_bytes in ((1, 2**27), (4, 2**27), (0, 100_000)):
        monkeypatch.setattr(patches, "_PATCH_BYTES", patch_bytes)
        dataset, _ = cut(image, labels, workers=workers, **options)
        results.append(contents(dataset.folder))
        shutil.rmtree(dataset.folder)
    assert len(results[0]) > 20
    assert results[0] == results[1] == results[2]


def test_what_is_said_of_tiles_is_so(cut, make_raster, scene, label):
    scene = scene.astype(np.float32)
    scene[:, 20:100, 50:90] = np.nan
    dataset, table = cut(make_raster("scene.tif", scene), make_raster("label.tif", label))
    for number, tile in enumerate(dataset.tiles):
        with rasterio.open(tile.image) as opened, rasterio.open(tile.label) as labelled:
            pixels = opened.read()
            valid = read_valid(opened, Window(0, 0, 64, 64), pixels)
            assert opened.descriptions == dataset.bands
            ground = labelled.read(1)
        assert table.valid[number] == valid.sum()
        assert table.counts[number].tolist() == [(ground == 0).sum(), (ground == 1).sum()]
        assert ((ground == 255) == ~valid).all()
        known = pixels[:, valid].astype(float)
        assert table.mean[number] == pytest.approx(known.mean(axis=1), rel=1e-9)
        assert table.std[number] == pytest.approx(known.std(axis=1), rel=1e-9)
        assert table.minimum[number].tolist() == known.min(axis=1).tolist()


def test_tiles_without_labels_have_no_labels(cut, make_raster, scene, tmp_path):
    scene[:, :100, :100] = 0
    dataset, table = cut(make_raster("scene.tif", scene), validation=20, overlap=0, max_nodata=30)
    assert (len(dataset.classes), table.counts.shape[1]) == (0, 0)
    assert not (dataset.folder / "labels").exists()
    assert (table.nodata_share <= 0.3).all()
    assert {tile.split for tile in dataset.tiles} >= {"train", "validation"}


def test_values_that_are_nodata_and_data_are_told_apart_by_a_mask(cut, make_raster, scene, label):
    """With PAD_VALUE the fill counts as data, also where it is the nodata value of the scene."""
    image = make_raster("scene.tif", scene, nodata=0)
    dataset, table = cut(
        image, make_raster("label.tif", label), layout="stride", overlap=0, edges="pad with a value", fill=0
    )
    assert (table.nodata_share == 0).all()
    with rasterio.open(dataset.tiles[-1].image) as opened:
        assert (opened.read()[:, -1, -1] == 0).all()
        assert read_valid(opened, Window(0, 0, 64, 64), opened.read()).all()


def test_a_fill_that_pixels_cannot_have_is_refused(cut, make_raster, scene):
    with pytest.raises(RequestError, match="FILL is 300, which is no value of uint8"):
        cut(make_raster("scene.tif", scene), edges="pad with a value", fill=300)


def test_random_tiles_are_tried_until_there_are_enough(cut, make_raster, scene, label, recorder):
    label[0, :, 100:] = 0
    labels = make_raster("label.tif", label)
    dataset, table = cut(
        make_raster("scene.tif", scene), labels, layout="random", count=30, tile_size=32, min_labelled=2
    )
    assert len(dataset.tiles) == 30
    assert len(list((dataset.folder / "images").iterdir())) == 30
    assert (table.counts[:, 1] >= 0.02 * 32 * 32).all()
    assert any("MIN_LABELLED" in text for text in recorder.notes)
    assert not any("Fewer random tiles" in text for text in recorder.warnings)


def test_too_few_random_tiles_are_warned_of(cut, make_raster, scene, label, recorder):
    label[0, :, 40:] = 0
    dataset, _ = cut(
        make_raster("scene.tif", scene), make_raster("label.tif", label), layout="random", count=300, min_labelled=2
    )
    assert 0 < len(dataset.tiles) < 300
    assert any(f"{len(dataset.tiles)} of 300 in scene" in text for text in recorder.warnings)


def test_filters_that_leave_no_tile_are_named(cut, make_raster, scene, label, tmp_path):
    with pytest.raises(InputError, match=r"36 of 36 tiles hold fewer than 3 classes \(MIN_CLASSES\)"):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label), min_classes=3, overlap=20)
    assert not (tmp_path / "tiles").exists()


@pytest.mark.parametrize("workers", [1, 4])
def test_a_damaged_scene_is_an_error_whoever_reads_it(cut, workers, data, tmp_path):
    with pytest.raises(InputError, match=r"truncated_60pct\.tif cannot be read around row"):
        cut(str(data / "odd_raster" / "derived" / "truncated_60pct.tif"), workers=workers)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(cut, make_raster, scene, tmp_path, monkeypatch):
    opened = Path.open

    def fail(path, mode="r", *rest):
        if mode == "wb" and path.name > "scene_0001":
            raise OSError(28, "No space left on device")
        return opened(path, mode, *rest)

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OSError, match="No space"):
        cut(make_raster("scene.tif", scene), workers=4)
    assert [one.name for one in tmp_path.iterdir()] == ["scene.tif"]


def test_cancelling_stops_all_threads_at_once(make_raster, make_recorder, scene, tmp_path):
    large = make_raster("large.tif", np.tile(scene, (1, 8, 8)))
    request = MakeTiles(images=(large,), tile_size=256, overlap=90, output=str(tmp_path / "tiles"), workers=4)
    at = []

    def stop(recorder):
        at.extend([time.monotonic()] if recorder.fractions[-1:] > [0.1] and not at else [])
        return bool(at)

    with pytest.raises(Cancelled):
        make_tiles(request, make_recorder(stop))
    assert time.monotonic() - at[0] < 2
    assert [one.name for one in tmp_path.iterdir()] == ["large.tif"]
