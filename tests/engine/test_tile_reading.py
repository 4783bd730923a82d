"""Tiles are read as their dataset says, or refused."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tile_reading import read_tile_image, read_tile_label

IMAGE, LABEL = np.full((3, 32, 32), 9, np.uint8), np.zeros((32, 32), np.uint8)


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("images", IMAGE[:2], "has 2 bands, the dataset 3"),
        ("images", IMAGE.astype(np.float32), "has pixels of type float32, the dataset uint8"),
        ("labels", LABEL[None, :9], "has 32 x 9 pixels, its image 32 x 32"),
        ("labels", LABEL[None].astype(np.float32), "has values of type float32, not uint8 or uint16"),
    ],
)
def test_files_that_are_not_as_the_dataset_says_are_refused(make_dataset, make_raster, name, pixels, message):
    dataset = open_dataset(make_dataset([("train", IMAGE, LABEL)]))
    (tile,) = dataset.tiles
    make_raster(dataset.folder / name / f"{tile.id}.tif", pixels, photometric="minisblack")
    with pytest.raises(InputError, match=message):
        read_tile_label(tile, read_tile_image(tile, dataset)[1].shape)


def test_transparent_pixels_have_no_data(make_dataset, make_raster):
    dataset = open_dataset(make_dataset([("train", IMAGE, LABEL)]))
    (tile,) = dataset.tiles
    opaque = np.full((1, 32, 32), 255, np.uint8)
    opaque[0, :5] = 0
    make_raster(
        dataset.folder / "images" / f"{tile.id}.tif", np.concatenate([IMAGE, opaque]), photometric="RGB", alpha="YES"
    )
    image, valid = read_tile_image(tile, dataset)
    assert np.array_equal(image, IMAGE)
    assert np.array_equal(valid, opaque[0] > 0)
    assert np.array_equal(read_tile_label(tile, valid.shape), LABEL)
