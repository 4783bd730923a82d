"""Tiles measured in threads are measured as in one."""

from dataclasses import fields

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.measuring import measure_tile
from geoseg.geoseg_plugin.engine.datasets.placed import place_tiles
from geoseg.geoseg_plugin.engine.datasets.statistics.measured import measure_dataset
from geoseg.geoseg_plugin.engine.raster import read_valid
from rasterio.windows import Window


def some_tiles(make_blob_tile, dtype, count=20):
    random = np.random.default_rng(7)
    tiles = [("train", *make_blob_tile(random, 64, dtype=dtype)) for _ in range(count)]
    for number, (_, image, _) in enumerate(tiles):
        image[:, : 3 * number] = 0
    return tiles


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_threads_change_nothing(make_dataset, make_blob_tile, recorder, dtype):
    placed = place_tiles(open_dataset(make_dataset(some_tiles(make_blob_tile, dtype), nodata=0)))
    chosen = np.arange(20) % 3 > 0
    one, many = (measure_dataset(placed, chosen, recorder, threads=threads) for threads in (1, 6))
    for name in (field.name for field in fields(one.tiles)):
        mine, other = getattr(one.tiles, name), getattr(many.tiles, name)
        assert np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")
    for mine, other in zip(one.counted, many.counted, strict=True):
        assert np.array_equal(mine, other)
    assert one.counted[0].sum() == one.tiles.valid[chosen].sum()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_counts_tell_what_the_pixels_tell(make_dataset, make_blob_tile, recorder, dtype):
    placed = place_tiles(open_dataset(make_dataset(some_tiles(make_blob_tile, dtype), nodata=0)))
    found = measure_dataset(placed, np.ones(20, dtype=bool), recorder).tiles
    for number, tile in enumerate(placed.dataset.tiles):
        with rasterio.open(tile.image) as opened, rasterio.open(tile.label) as labels:
            image = opened.read()
            valid = read_valid(opened, Window(0, 0, 64, 64), image)
            expected = measure_tile(image, valid, labels.read(1), np.array([0, 7]))
        assert found.valid[number] == expected.valid
        assert np.array_equal(found.counts[number], expected.counts)
        for name in ("minimum", "maximum"):
            assert np.array_equal(getattr(found, name)[number], getattr(expected, name))
        for name in ("mean", "std"):
            assert getattr(found, name)[number] == pytest.approx(getattr(expected, name), rel=1e-9)


def test_tiles_that_are_not_as_described_are_refused(make_dataset, make_blob_tile, recorder):
    placed = place_tiles(open_dataset(make_dataset(some_tiles(make_blob_tile, "uint8", count=2))))
    path = placed.dataset.tiles[1].image
    for change, said in (
        ({"count": 2}, "has 2 bands, the dataset 3"),
        ({"dtype": "int16"}, "has pixels of type int16, the dataset uint8"),
    ):
        profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": 64, "width": 64, **change}
        with rasterio.open(path, "w", **profile) as opened:
            opened.write(np.ones((profile["count"], 64, 64), profile["dtype"]))
        with pytest.raises(InputError, match=rf"tile_001\.tif {said}"):
            measure_dataset(placed, np.ones(2, dtype=bool), recorder)
