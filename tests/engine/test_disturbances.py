"""Blur, noise, and squares that hide the image."""

import math

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.training.augmentation.disturbances import add_noise, blur, hide_squares
from geoseg.geoseg_plugin.engine.training.augmentation.variation import UNCHANGED, Variation

SIDE = 33
ALL_VALID = np.ones((SIDE, SIDE), dtype=bool)


def test_blur_is_a_gaussian_of_a_width_by_chance():
    point = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    point[:, 16, 16] = 1
    widths = []
    for seed in range(60):
        blurred = blur(point, ALL_VALID, Variation(blur=2.0), np.random.default_rng(seed))
        assert blurred.dtype == np.float32
        assert blurred.sum(axis=(1, 2)) == pytest.approx([1, 1], abs=1e-4)
        width = 2.0 * np.random.default_rng(seed).random()
        widths.append(width)
        steps = np.arange(SIDE) - 16
        curve = np.exp(-(steps**2) / (2 * width**2))
        curve[np.abs(steps) > int(4 * width + 0.5)] = 0
        assert np.allclose(blurred, np.outer(curve, curve) / curve.sum() ** 2, atol=1e-5)
    assert min(widths) < 0.2
    assert max(widths) > 1.8


def test_pixels_without_data_do_not_blur_into_others():
    valid = np.random.default_rng(0).random((SIDE, SIDE)) < 0.6
    image = np.where(valid, 3, 0).astype(np.float32)[None]
    image[:, ~valid] = 99
    blurred = blur(image, valid, Variation(blur=3.0), np.random.default_rng(1))
    assert np.allclose(blurred[:, valid], 3, atol=1e-4)


def test_noise_is_normal_independent_and_of_a_strength_by_chance():
    strengths = []
    for seed in range(60):
        image = np.zeros((3, SIDE, SIDE), dtype=np.float32)
        add_noise(image, Variation(noise=0.5), np.random.default_rng(seed))
        strength = 0.5 * np.random.default_rng(seed).random()
        strengths.append(image.std())
        assert image.std() == pytest.approx(strength, rel=0.1)
        assert abs(image.mean()) < 0.1 * strength
        assert abs(np.corrcoef(image.reshape(3, -1))[0, 1]) < 0.15
        within = (np.abs(image) < image.std()).mean()
        assert within == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.05)
    assert min(strengths) < 0.05
    assert max(strengths) > 0.45


@pytest.mark.parametrize(("size", "side"), [(0.25, 8), (1.0, 33), (0.01, 1)])
def test_a_hidden_square_has_the_side_that_is_asked_for_in_all_bands(size, side):
    seen = np.zeros((SIDE, SIDE), dtype=int)
    for seed in range(200):
        image = np.ones((13, SIDE, SIDE), dtype=np.float32)
        hide_squares(image, Variation(cutout=1, cutout_size=size), np.random.default_rng(seed))
        hidden = image[0] == 0
        assert (image == np.where(hidden, 0, 1)).all()
        rows, cols = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
        assert hidden.sum() == side**2
        assert (np.ptp(rows), np.ptp(cols)) == (side - 1, side - 1)
        seen += hidden
    if size == 0.25:
        assert seen.any(axis=0).all()
        assert seen.any(axis=1).all()


def test_more_squares_hide_more():
    shares = []
    for seed in range(100):
        image = np.ones((1, 64, 64), dtype=np.float32)
        hide_squares(image, Variation(cutout=4, cutout_size=0.125), np.random.default_rng(seed))
        shares.append((image == 0).mean())
    # Four squares that may lie over each other.
    assert max(shares) == 4 / 64
    assert 3.6 / 64 < np.mean(shares) < 4 / 64


def test_what_is_off_does_nothing_but_draws_as_much():
    image = np.random.default_rng(0).normal(size=(2, SIDE, SIDE)).astype(np.float32)
    before = image.copy()
    off, on = np.random.default_rng(1), np.random.default_rng(1)
    assert blur(image, ALL_VALID, UNCHANGED, off) is image
    add_noise(image, UNCHANGED, off)
    hide_squares(image, UNCHANGED, off)
    assert (image == before).all()
    all_on = Variation(blur=1, noise=1)
    add_noise(blur(image, ALL_VALID, all_on, on), all_on, on)
    assert off.random() == on.random()


def test_noise_follows_the_spread_of_each_band():
    image = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    add_noise(image, Variation(noise=0.5, stds=(1.0, 8.0)), np.random.default_rng(0))
    plain = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    add_noise(plain, Variation(noise=0.5), np.random.default_rng(0))
    assert np.allclose(image, plain * np.array([1, 8])[:, None, None], rtol=1e-5)
