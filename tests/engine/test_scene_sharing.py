"""Two processes that share many scenes: the maps are those of one, and faults of both are told."""

from pathlib import Path

import numpy as np
import psutil
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError
from geoseg.geoseg_plugin.contract.stages.many_scenes import PredictScenes
from geoseg.geoseg_plugin.engine.prediction.batch.predict_scenes import predict_scenes
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 300


@pytest.fixture
def chips(tmp_path):
    folder = tmp_path / "chips"
    folder.mkdir()
    for number in range(5):
        image = np.random.default_rng(number).integers(1, 250, (3, SIDE, SIDE)).astype(np.uint8)
        write_raster(folder / f"chip{number}.tif", image)
    return folder


@pytest.fixture
def predict(tmp_path, chips):
    model = write_pixelwise(tmp_path / "model.onnx", make_card(), [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2])

    def run(name, devices, listener=None, **options):
        request = PredictScenes(
            folder=str(chips), model=model, device="cpu", devices=devices, output=str(tmp_path / name), **options
        )
        return predict_scenes(request, listener or Listener())

    yield run
    assert not psutil.Process().children()
    assert not list(tmp_path.rglob(".geoseg-*"))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def test_two_map_what_one_maps(predict, chips, tmp_path):
    listener = Listener()
    alone, together = predict("alone", 1), predict("together", 2, listener)
    assert (alone.count, together.count) == (5, 5)
    assert together.device == "cpu (onnxruntime, 1 threads) and 1 more"
    assert listener.fractions == sorted(listener.fractions)
    for number in range(5):
        name = f"chip{number}_classes.tif"
        np.testing.assert_array_equal(read(tmp_path / "together" / name), read(tmp_path / "alone" / name))
    # Of which device they are matters nothing.
    assert predict("together", 1).skipped == 5


def test_faults_in_each_share_are_told_and_the_others_mapped(predict, chips, tmp_path):
    for number in (2, 3):
        (chips / f"chip{number}.tif").write_text("no raster")
    with pytest.raises(GeosegError, match="2 of 5 scenes could not be mapped") as caught:
        predict("maps", 2)
    assert "chip2.tif" in caught.value.message and "chip3.tif" in caught.value.message
    assert len(list((tmp_path / "maps").glob("*_classes.tif"))) == 3


def test_a_cancel_ends_all_and_leaves_nothing_unfinished(predict, tmp_path):
    maps = tmp_path / "maps"

    def begun(_):
        return any(Path(folder).name.startswith(".geoseg-") for folder in maps.glob(".geoseg-*"))

    with pytest.raises(Cancelled, match="what is finished stays"):
        predict("maps", 2, Listener(begun), overlap=75, tile_size=32)
    whole = list(maps.glob("*_classes.tif"))
    assert len(whole) < 5
    assert all(read(path).shape == (SIDE, SIDE) for path in whole)
