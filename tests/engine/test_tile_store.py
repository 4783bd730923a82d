"""Tiles in memory are of one size, also those that were cut short at an edge."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import SHRINK, MakeTiles
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.training.checks import check_fit
from geoseg.geoseg_plugin.engine.training.tiles import TileStore


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(1, 250, (2, 100, 90)).astype(np.uint8)


def test_short_tiles_are_padded_with_ignore(tmp_path, make_raster, image, recorder):
    label = make_raster("label.tif", image[:1] % 2)
    request = MakeTiles(
        images=(make_raster("scene.tif", image),), labels=(label,), tile_size=64, overlap=0, layout="stride",
        edges=SHRINK, validation=0, output=str(tmp_path / "dataset"),
    )  # fmt: skip
    dataset = open_dataset(make_tiles(request, recorder).output)
    assert len(dataset.tiles) == 4
    store = TileStore(dataset)
    for tile, (row, col) in zip(dataset.tiles, [(0, 0), (0, 64), (64, 0), (64, 64)], strict=True):
        part = image[:, row : row + 64, col : col + 64]
        height, width = part.shape[1:]
        with rasterio.open(tile.image) as opened:
            assert opened.shape == (height, width)
        sample = store.load(tile)
        assert (sample.image.shape, sample.label.shape, sample.valid.shape) == ((2, 64, 64), (64, 64), (64, 64))
        assert np.array_equal(sample.image[:, :height, :width], part)
        assert np.array_equal(sample.label[:height, :width], part[0] % 2)
        assert (sample.label >= 0).sum() == sample.valid.sum() == height * width


def test_labels_of_another_size_are_refused(make_dataset, make_raster):
    label = np.zeros((32, 32), np.uint8)
    dataset = open_dataset(make_dataset([("train", np.ones((2, 32, 32), np.uint8), label)]))
    make_raster("dataset/labels/tile_000.tif", label[None, :20])
    with pytest.raises(InputError, match="has 32 x 20 pixels, its image 32 x 32"):
        TileStore(dataset).load(dataset.tiles[0])


def test_tiles_larger_than_stated_are_refused(make_dataset, make_raster):
    dataset = open_dataset(make_dataset([("train", np.ones((2, 32, 32), np.uint8), np.zeros((32, 32), np.uint8))]))
    make_raster("dataset/images/tile_000.tif", np.ones((2, 40, 32), np.uint8))
    with pytest.raises(InputError, match="has 32 x 40 pixels, the dataset 32 x 32"):
        TileStore(dataset).load(dataset.tiles[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_values_become_indices_and_all_that_are_no_class_are_ignored(make_dataset, dtype):
    label = np.repeat(np.array([[0, 7, 9, 255], [7, 0, 255, 200]], dtype), 16, axis=0).repeat(8, axis=1)
    image = np.ones((2, 32, 32), np.uint8)
    image[:, 20:] = 0
    dataset = open_dataset(make_dataset([("train", image, label)], nodata=0))
    sample = TileStore(dataset).load(dataset.tiles[0])
    assert sample.label[:20, ::8].tolist() == [[0, 1, -1, -1]] * 16 + [[1, 0, -1, -1]] * 4
    assert (sample.label[20:] == -1).all()
    assert sample.label.dtype == np.int8


def test_tiles_without_labels_are_ignored_everywhere(cut_scenes):
    dataset = open_dataset(cut_scenes(labelled=False))
    sample = TileStore(dataset).load(dataset.tiles[0])
    assert (sample.label == -1).all()
    assert sample.label.shape == (64, 64)


def test_tiles_without_labels_cannot_train(make_dataset):
    label = np.zeros((32, 32), np.uint8)
    dataset = open_dataset(make_dataset([("train", np.ones((2, 32, 32), np.uint8), label)], classes=ClassTable(())))
    with pytest.raises(InputError, match="has no labels, so that nothing can be learnt"):
        check_fit(dataset, TrainSegmentation(dataset="d", model="m.safetensors"))
