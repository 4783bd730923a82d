"""What samples of pixels tell, also of rasters too large to be looked at as a whole."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.geoseg_plugin.engine.sampling import looks_like_classes, warn_of_odd_alpha


@pytest.mark.parametrize(
    ("alpha", "warned"),
    [(np.tile([0, 255], (40, 20)), False), (np.arange(1600).reshape(40, 40) % 251, True)],
    ids=["transparency", "near infrared"],
)
def test_an_image_band_that_is_marked_as_alpha_is_pointed_out(make_raster, recorder, alpha, warned):
    pixels = np.concatenate([np.ones((3, 40, 40)), alpha[None]]).astype(np.uint8)
    path = make_raster("rgba.tif", pixels, photometric="RGB", alpha="YES")

    with open_raster(path) as dataset:
        warn_of_odd_alpha(dataset, recorder)

    assert [("Band 4" in text and "colorinterp_4" in text) for text in recorder.warnings] == [True] * warned


@pytest.mark.parametrize(("pixels", "looks"), [
    (np.arange(400).reshape(1, 20, 20) % 32, True),
    (np.arange(400).reshape(1, 20, 20) % 34, False),
    (np.arange(800).reshape(2, 20, 20) % 5, False),
    (np.arange(400).reshape(1, 20, 20) % 5 * 0.5, False),
    (np.zeros((1, 20, 20)), False),
], ids=["classes", "many values", "two bands", "floats", "no data"])  # fmt: skip
def test_few_whole_numbers_in_one_band_look_like_classes(make_raster, recorder, pixels, looks):
    path = make_raster("in.tif", pixels.astype("float32" if pixels.dtype.kind == "f" else "uint16"), nodata=0)
    with open_raster(path) as dataset:
        assert looks_like_classes(dataset, recorder) == looks


def test_a_sample_sees_all_parts_of_a_large_raster_and_can_be_stopped(make_raster, recorder, make_recorder):
    pixels = np.full((1, 3000, 2000), 7, np.uint16)
    pixels[:, -250:, -250:] = np.arange(250)
    path = make_raster("in.tif", pixels, tiled=True, blockxsize=256, blockysize=256)
    with open_raster(path) as dataset:
        assert not looks_like_classes(dataset, recorder)
        with pytest.raises(Cancelled):
            looks_like_classes(dataset, make_recorder(lambda _: True))
