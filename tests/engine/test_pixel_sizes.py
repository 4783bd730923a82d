"""Scenes of several pixel sizes in one dataset: no set shares ground with another, whoever asks."""

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.dataset_split import SplitDataset
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.checking.preflight import find_ground_in_two_sets
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.splitting.split_dataset import split_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.tests.engine.apart import check_apart


@pytest.fixture
def make(tmp_path, recorder, make_raster):
    """Makes a dataset of a scene with pixels of 10 m and one with pixels of 0.5 m."""

    def run(**options):
        random = np.random.default_rng(1)
        paths = []
        for name, pixel, east in (("coarse", 10, 500_000), ("fine", 0.5, 600_000)):
            image = random.integers(1, 250, (1, 480, 480)).astype(np.uint8)
            transform = Affine(pixel, 0, east, 0, -pixel, 5_000_000)
            paths.append(make_raster(f"{name}.tif", image, transform=transform))
        request = MakeTiles(
            images=paths, output=str(tmp_path / "tiles"), tile_size=64, layout="stride", stride=32, **options
        )  # fmt: skip
        return make_tiles(request, recorder).output

    return run


def check(folder, recorder):
    meta, _, wkb, columns = pyogrio.raw.read(f"{folder}/tiles.gpkg")
    splits = dict(zip(meta["fields"], columns, strict=True))["split"]
    check_apart(splits, shapely.from_wkb(wkb))
    assert not list(find_ground_in_two_sets(open_dataset(folder), recorder))
    return splits


@pytest.mark.parametrize("block_size", [0, 5, 128])
def test_made_tiles_share_no_ground(block_size, make, recorder):
    assert {*check(make(block_size=block_size), recorder)} == {"train", "validation", "unused"}


@pytest.mark.parametrize("method", ["spatial blocks", "random"])
def test_tiles_split_anew_share_no_ground(method, make, recorder, tmp_path):
    request = SplitDataset(dataset=make(validation=0), method=method, output=str(tmp_path / "anew"))
    splits = check(split_dataset(request, recorder).output, recorder)
    assert {*splits} == {"train", "validation", "test", "unused"}
