"""What is measured of a tile is what plain numpy says."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.datasets.measuring import count_classes, measure_tile

VALUES = np.array([0, 3, 7])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("known", [1.0, 0.4])
def test_a_tile_is_measured_as_numpy_does(dtype, known):
    random = np.random.default_rng(1)
    low, high = (0, 255) if dtype == "uint8" else (-100, 120) if dtype == "int8" else (3, 30_000)
    image = (random.normal((low + high) / 2, (high - low) / 6, (3, 130, 97))).clip(low, high).astype(dtype)
    valid = random.random((130, 97)) < known
    label = random.choice([0, 3, 255], (130, 97)).astype(np.uint8)
    measures = measure_tile(image, valid, label, VALUES)
    pixels = image[:, valid].astype(np.float64)
    assert measures.valid == valid.sum()
    assert measures.counts.tolist() == [(label == 0).sum(), (label == 3).sum(), 0]
    assert np.array_equal(measures.minimum, pixels.min(axis=1))
    assert np.array_equal(measures.maximum, pixels.max(axis=1))
    assert measures.mean == pytest.approx(pixels.mean(axis=1), rel=1e-12)
    assert measures.std == pytest.approx(pixels.std(axis=1), rel=1e-12)


def test_a_small_spread_far_from_zero_is_found():
    image = np.random.default_rng(2).normal(1e6, 1e-3, (1, 64, 64))
    measures = measure_tile(image, np.ones((64, 64), bool), None, VALUES[:0])
    assert measures.std == pytest.approx(image[0].std(), rel=1e-9)
    assert measures.counts.shape == (0,)


def test_a_constant_band_has_no_spread():
    image = np.full((1, 300, 300), 0.1, np.float32)
    measures = measure_tile(image, np.ones((300, 300), bool), None, VALUES[:0])
    assert (measures.std[0], measures.mean[0]) == (0, np.float32(0.1))


def test_the_largest_bytes_do_not_overflow():
    image = np.full((1, 600, 600), 255, np.uint8)
    image[0, 0, 0] = 0
    measures = measure_tile(image, np.ones((600, 600), bool), None, VALUES[:0])
    assert measures.mean == pytest.approx(image.mean(), rel=1e-12)
    assert measures.std == pytest.approx(image.std(), rel=1e-12)


def test_a_tile_without_data_is_unknown():
    measures = measure_tile(np.zeros((2, 4, 4), np.uint8), np.zeros((4, 4), bool), np.zeros((4, 4), np.uint8), VALUES)
    assert measures.valid == 0
    assert np.isnan([measures.minimum, measures.maximum, measures.mean, measures.std]).all()
    assert measures.counts.tolist() == [16, 0, 0]


@pytest.mark.parametrize("count", [2, 12, 13, 200])
def test_classes_are_counted_however_many_there_are(count):
    random = np.random.default_rng(3)
    values = np.sort(random.choice(65_000, count, replace=False))
    label = random.choice([*values[: count // 2], 65_535], (50, 60)).astype(np.uint16)
    assert count_classes(label, values).tolist() == [(label == value).sum() for value in values]
