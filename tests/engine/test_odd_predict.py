"""Prediction over every odd raster: the right map on the right grid, or an error that names the file."""

import itertools

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.raster import image_bands, open_raster, read_valid
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.test_odd_raster import EXPECTED, HIDDEN, LARGE, RIGHT, check


def _bands(path):
    with open_raster(path) as dataset:
        return image_bands(dataset)


def _predict(tmp_path, path, bands, factor=1.0):
    """Predict with a network that calls a pixel "high" where its first band is above 100.

    Its pixels are larger than those of the image by a factor.
    """
    place = _place(path, factor)
    card = make_card(bands=[f"band {band}" for band in bands], classes={1: "low", 2: "high"}, tile_size=256, **place)
    weights = np.zeros((2, len(bands)))
    weights[1, 0] = 1
    model = write_pixelwise(tmp_path / "model.onnx", card, weights, [0, 0])
    output = str(tmp_path / "map.tif")
    return predict_segmentation(PredictSegmentation(input=path, model=model, output=output), Listener())


def _place(path, factor):
    try:
        with open_raster(path) as dataset:
            width, height = Grid.of(dataset).pixel_size
            return {"pixel_size": (factor * width, factor * height), "crs": dataset.crs and dataset.crs.to_wkt()}
    except InputError:
        return {}


def _check_map(path, bands, output):
    """Check the map, and return how many pixels of it are without data, and the share of those that are as wanted."""
    with open_raster(path) as source, rasterio.open(output) as found:
        assert Grid.of(found).is_same(Grid.of(source))
        window = rasterio.windows.Window(0, 0, source.width, source.height)
        image, classes = source.read(list(bands)), found.read(1)
        valid = read_valid(source, window, image)
        wanted = np.where(valid, np.where(image[0].astype(np.float64) > 100, 2, 1), 255)
        np.testing.assert_array_equal(classes == 255, ~valid)
        return np.count_nonzero(wanted == 255), np.mean(classes == wanted)


@pytest.mark.data
@pytest.mark.parametrize("name", EXPECTED)
def test_every_odd_raster(data, tmp_path, name):
    path = str(data / "odd_raster" / name)
    # Like clipping, prediction reads all pixels and asks for nothing else.
    expectation = EXPECTED[name].clip
    bands = _bands(path) if expectation == RIGHT else (1, 2, 3)
    result = check(expectation, name, lambda: _predict(tmp_path, path, bands))
    if result is None:
        assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    else:
        hidden, share = _check_map(path, bands, result.output)
        assert hidden == HIDDEN.get(name, hidden)
        assert share == 1


RESAMPLED = [name for name, one in EXPECTED.items() if one.clip == RIGHT and name not in LARGE]


@pytest.mark.data
@pytest.mark.parametrize(("name", "factor"), [*zip(RESAMPLED, itertools.cycle([0.75, 2, 0.75, 2.3]))])
def test_odd_rasters_on_other_pixels(data, tmp_path, name, factor):
    path = str(data / "odd_raster" / name)
    bands = _bands(path)
    result = _predict(tmp_path, path, bands, factor)
    _, share = _check_map(path, bands, result.output)
    assert share > 0.75  # averages of 2.3 pixels of a busy photograph leave 0.8 of them on their side of 100
