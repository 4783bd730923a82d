"""Whether the values of an image are such as a model was trained on."""

import dataclasses

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.engine.prediction.scenes.values import warn_of_odd_values
from geoseg.models.card import Band
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


def _odd_values(tmp_path, image, card, **options):
    listener = Listener()
    with rasterio.open(write_raster(tmp_path / "image.tif", image, **options)) as dataset:
        warn_of_odd_values(dataset, (1, 2, 3), card, listener)
    return listener.warnings


@pytest.mark.parametrize("factor, dtype, odd", [(1, np.uint8, False), (1, np.uint16, False), (40, np.uint16, True),
                                                (1 / 255, np.float32, True), (1 / 25, np.uint16, True)])  # fmt: skip
def test_values_on_another_scale_are_told(tmp_path, factor, dtype, odd):
    image = np.random.default_rng(0).normal(100, 50, (3, 300, 500)).clip(0, 250) * factor
    warnings = _odd_values(tmp_path, image.astype(dtype), make_card())
    assert bool(warnings) == odd
    assert all("mean" in text and "image.tif" in text for text in warnings)


def test_a_calm_image_is_not_told(tmp_path):
    assert _odd_values(tmp_path, np.full((3, 50, 50), 90, np.uint8), make_card()) == []


def test_bytes_for_a_sixteen_bit_model_are_told(tmp_path):
    bands = tuple(Band(name, 3000.0, 600.0) for name in ("red", "green", "blue"))
    card = dataclasses.replace(make_card(dtype="uint16"), bands=bands)
    assert _odd_values(tmp_path, np.full((3, 50, 50), 90, np.uint8), card)


def test_nodata_does_not_count(tmp_path):
    image = np.full((3, 50, 50), -9999, np.float32)
    assert _odd_values(tmp_path, image, make_card(), nodata=-9999) == []
    image[:, :5] = 100
    assert _odd_values(tmp_path, image, make_card(), nodata=-9999) == []
