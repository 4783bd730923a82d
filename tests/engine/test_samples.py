"""Windows to try networks with."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.opinions.samples import sample_windows
from geoseg.geoseg_plugin.engine.prediction.placing import place_windows
from geoseg.geoseg_plugin.engine.prediction.scenes.scene import open_scene
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


def _sample(tmp_path, image, most=4, **options):
    """Return windows in the values of the image."""
    path = write_raster(tmp_path / "image.tif", image, nodata=0)
    request = PredictSegmentation(input=path, model="m.onnx", output=str(tmp_path / "map.tif"), **options)
    with open_scene(path, request, [make_card()], Listener()) as scene:
        found = sample_windows(scene, *place_windows(scene, 64, request), most, Listener())
    return [np.rint(pixels * 50 + 100) for (pixels,) in found]


def _is_in(window, image):
    """Return whether the inner part of a window, which no mirror reaches, is some part of the image."""
    inner = window[:, 16:-16, 16:-16]
    views = np.lib.stride_tricks.sliding_window_view(image[0], inner.shape[1:])
    rows, cols = np.nonzero(views[:, :, 0, 0] == inner[0, 0, 0])
    return any(
        np.array_equal(image[:, row : row + inner.shape[1], col : col + inner.shape[2]], inner)
        for row, col in zip(rows, cols, strict=True)
    )


def test_they_are_windows_of_the_scene_from_different_places(tmp_path):
    image = np.random.default_rng(0).integers(1, 250, (3, 500, 700), np.uint8)
    found = _sample(tmp_path, image)
    assert [pixels.shape for pixels in found] == [(3, 64, 64)] * 4
    assert len({pixels.tobytes() for pixels in found}) == 4
    assert all(_is_in(pixels, image) for pixels in found)


def test_places_without_data_are_passed_over(tmp_path):
    image = np.zeros((3, 500, 700), np.uint8)
    image[:, 430:, 600:] = 90
    found = _sample(tmp_path, image)
    assert found
    assert all((pixels == 90).any() for pixels in found)


@pytest.mark.parametrize(("shape", "count"), [((3, 40, 50), 1), ((3, 64, 110), 3)])
def test_a_small_scene_gives_what_it_has(tmp_path, shape, count):
    assert len(_sample(tmp_path, np.full(shape, 90, np.uint8))) == count


def test_a_scene_without_data_gives_none(tmp_path):
    assert _sample(tmp_path, np.zeros((3, 300, 300), np.uint8)) == []


def test_a_cancel_is_heard_while_nothing_is_found(tmp_path):
    path = write_raster(tmp_path / "image.tif", np.zeros((3, 500, 700), np.uint8), nodata=0)
    request, asked = PredictSegmentation(input=path, model="m.onnx", output="map.tif"), []
    with open_scene(path, request, [make_card()], Listener()) as scene, pytest.raises(Cancelled):
        listener = Listener(lambda _: asked.append(1) or len(asked) == 5)
        sample_windows(scene, *place_windows(scene, 64, request), 4, listener)
    assert len(asked) == 5
