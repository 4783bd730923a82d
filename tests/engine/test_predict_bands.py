"""Which bands of an image a model takes, and what looks odd."""

import dataclasses

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import ModelError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.scenes.bands import match_bands, warn_of_odd_pixel_size, warn_of_odd_values
from geoseg.models.card import Band
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster
from rasterio.crs import CRS


def _match(tmp_path, card, names, listener=None, **options):
    image = np.ones((len(names), 8, 8), np.uint8)
    options = {"photometric": "MINISBLACK", **options}  # else GDAL takes a fourth byte band for alpha
    with rasterio.open(write_raster(tmp_path / "image.tif", image, names=names, **options)) as dataset:
        return match_bands(dataset, card, listener or Listener())


def test_as_many_bands_are_taken_as_they_come(tmp_path):
    assert _match(tmp_path, make_card(), ("a", "b", "c")) == (1, 2, 3)


def test_names_in_another_order_are_told(tmp_path):
    listener = Listener()
    assert _match(tmp_path, make_card(), ("Blue", "green", "RED"), listener) == (1, 2, 3)
    assert "in this order" in listener.warnings[0]


def test_more_bands_are_chosen_by_name(tmp_path):
    listener = Listener()
    assert _match(tmp_path, make_card(), ("Blue", "Green", "Red", "NIR"), listener) == (3, 2, 1)
    assert "3, 2, 1" in listener.notes[0]


@pytest.mark.parametrize("names", [("red", "green"), ("red", "green", "nir", "swir"), ("red", "red", "green", "blue")])
def test_other_bands_are_refused(tmp_path, names):
    with pytest.raises(ModelError, match=rf"wants 3 bands .* has {len(names)} bands"):
        _match(tmp_path, make_card(), names)


def test_made_up_names_choose_nothing(tmp_path):
    with pytest.raises(ModelError, match="wants 2 bands"):
        _match(tmp_path, make_card(bands=("band 1", "band 2")), ("", "", ""))


def _odd_values(tmp_path, image, card, **options):
    listener = Listener()
    with rasterio.open(write_raster(tmp_path / "image.tif", image, **options)) as dataset:
        warn_of_odd_values(dataset, (1, 2, 3), card, listener)
    return listener.warnings


@pytest.mark.parametrize("factor, dtype, odd", [(1, np.uint8, False), (1, np.uint16, False), (40, np.uint16, True),
                                                (1 / 255, np.float32, False)])  # fmt: skip
def test_values_on_another_scale_are_told(tmp_path, factor, dtype, odd):
    image = np.random.default_rng(0).normal(100, 50, (3, 300, 500)).clip(0, 250) * factor
    warnings = _odd_values(tmp_path, image.astype(dtype), make_card())
    assert bool(warnings) == odd
    assert all("mean" in text and "image.tif" in text for text in warnings)


def test_bytes_for_a_sixteen_bit_model_are_told(tmp_path):
    bands = tuple(Band(name, 3000.0, 600.0) for name in ("red", "green", "blue"))
    card = dataclasses.replace(make_card(dtype="uint16"), bands=bands)
    assert _odd_values(tmp_path, np.full((3, 50, 50), 90, np.uint8), card)


def test_nodata_does_not_count(tmp_path):
    image = np.full((3, 50, 50), -9999, np.float32)
    assert _odd_values(tmp_path, image, make_card(), nodata=-9999) == []
    image[:, :5] = 100
    assert _odd_values(tmp_path, image, make_card(), nodata=-9999) == []


@pytest.mark.parametrize(
    "crs, size, odd",
    [
        ("EPSG:32645", 0.5, False),
        ("EPSG:32645", 0.9, False),
        ("EPSG:32645", 1.1, True),
        ("EPSG:32645", 0.2, True),
        ("EPSG:2263", 1.64, False),
        ("EPSG:2263", 0.5, True),
        ("EPSG:4326", 4.5e-6, False),
        ("EPSG:4326", 1e-4, True),
        (None, 1.0, False),
    ],
)
def test_another_pixel_size_is_told(crs, size, odd):
    grid = Grid(CRS.from_user_input(crs) if crs else None, Affine(size, 0, 0, 0, -size, 0), 10, 10)
    listener = Listener()
    warn_of_odd_pixel_size(grid, make_card(), listener)
    assert bool(listener.warnings) == odd
