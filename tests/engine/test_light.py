"""Brightness, contrast and gamma."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.training.augmentation.light import change_light
from geoseg.geoseg_plugin.engine.training.augmentation.variation import Variation


def lit(image, valid=None, seed=0, **options):
    changed = image.copy()
    valid = np.ones(image.shape[1:], dtype=bool) if valid is None else valid
    change_light(changed, valid, Variation(**options), np.random.default_rng(seed))
    return changed


@pytest.fixture
def image():
    return np.random.default_rng(4).normal(size=(3, 8, 8)).astype(np.float32)


def test_nothing_asked_changes_nothing(image):
    assert (lit(image) == image).all()


def test_brightness_and_contrast_change_values_linearly_within_their_ranges(image):
    slopes, offsets = [], []
    for seed in range(200):
        changed = lit(image, seed=seed, brightness=0.2, contrast=0.3)
        for before, after in zip(image, changed, strict=True):
            slope, offset = np.polyfit(before.ravel(), after.ravel(), 1)
            assert np.allclose(slope * before + offset, after, atol=1e-5)
            slopes.append(slope)
            offsets.append(offset)
    for got, most in ((np.array(slopes) - 1, 0.3), (np.array(offsets), 0.2)):
        assert -most - 1e-6 <= got.min() < -0.8 * most
        assert 0.8 * most < got.max() <= most + 1e-6


def test_light_varies_between_draws_and_a_little_between_bands():
    draws = np.array([lit(np.zeros((3, 1, 1), np.float32), seed=seed, brightness=1)[:, 0, 0] for seed in range(300)])
    together, each = draws.mean(axis=1).std(), (draws - draws.mean(axis=1, keepdims=True)).std()
    # With u uniform in -1 to 1 for all bands and for each of three, (u + u' / 2) / 1.5 has these variances.
    assert together == pytest.approx(np.sqrt((1 + 1 / 12) / 3) / 1.5, rel=0.15)
    assert each == pytest.approx(np.sqrt((1 / 4 - 1 / 12) / 3) / 1.5, rel=0.15)


def test_gamma_bends_the_curve_between_the_extremes_of_the_tile(image):
    exponents = []
    for seed in range(100):
        changed = lit(image, seed=seed, gamma=1.0)
        for before, after in zip(image, changed, strict=True):
            low, span = before.min(), np.ptp(before)
            middle = (before > low + 0.1 * span) & (before < low + 0.9 * span)
            found = np.log((after[middle] - low) / span) / np.log((before[middle] - low) / span)
            assert np.ptp(found) < 1e-3
            assert np.allclose(after, low + span * ((before - low) / span) ** found.mean(), atol=1e-4)
            exponents.append(found.mean())
    assert 0.5 - 1e-3 <= min(exponents) < 0.6
    assert 1.7 < max(exponents) <= 2 + 1e-3
    assert abs(np.log(exponents).mean()) < 0.1


def test_gamma_looks_at_valid_pixels_alone():
    image = np.array([[[-2, -1, 0, 2, 0, 0]]], dtype=np.float32)
    valid = np.array([[True, True, True, True, False, False]])
    outlier = image.copy()
    outlier[0, 0, 4:] = 50, -50
    for seed in range(5):
        changed = lit(outlier, valid, seed, gamma=2)
        assert np.isfinite(changed).all()
        assert np.allclose(changed[0, 0, [0, 3]], [-2, 2], atol=1e-5)
        assert (changed[:, valid] == lit(image, valid, seed, gamma=2)[:, valid]).all()


@pytest.mark.parametrize("valid", [True, False])
def test_gamma_leaves_what_has_no_extremes(valid):
    flat = np.full((2, 4, 4), 0.7, dtype=np.float32)
    assert (lit(flat, np.full((4, 4), valid), gamma=3) == flat).all()


@pytest.mark.parametrize("options", [{"brightness": 0.1}, {"contrast": 0.1}, {"gamma": 0.1}])
@pytest.mark.parametrize("bands", [1, 3, 13])
def test_each_really_changes_nearly_every_sample(options, bands):
    image = np.random.default_rng(1).normal(size=(bands, 6, 6)).astype(np.float32)
    changed = [np.abs(lit(image, seed=seed, **options) - image).max(axis=(1, 2)) > 1e-4 for seed in range(100)]
    assert np.mean(changed) > 0.95


def test_input_of_another_scale_is_lit_alike(image):
    means, stds = np.array([[0.5], [3], [-1]]), np.array([[0.2], [5], [0.01]])
    scaled = (image * stds[..., None] + means[..., None]).astype(np.float32)
    options = {"brightness": 0.5, "contrast": 0.4, "gamma": 0.5}
    changed = lit(scaled, means=tuple(means[:, 0]), stds=tuple(stds[:, 0]), **options)
    wanted = lit(image, **options)
    assert np.allclose((changed - means[..., None]) / stds[..., None], wanted, atol=1e-3)
