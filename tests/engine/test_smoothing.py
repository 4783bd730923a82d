"""Blurring probabilities."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.prediction.decisions import smoothing
from geoseg.geoseg_plugin.engine.prediction.decisions.smoothing import reach_of
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapped import draw_probabilities
from scipy.ndimage import gaussian_filter


def everywhere(probabilities):
    return np.ones(probabilities.shape[1:], bool)


def smooth(probabilities, valid, deviation):
    return smoothing.smooth(probabilities, valid, deviation, Listener())


def test_a_point_becomes_a_bell():
    probabilities = np.zeros((2, 41, 41), np.float32)
    probabilities[0] = 1
    probabilities[:, 20, 20] = 0, 1
    blurred = smooth(probabilities, everywhere(probabilities), 2.0)[1]
    squares = ((np.indices((41, 41)) - 20) ** 2).sum(axis=0)
    bell = np.exp(-squares / (2 * 2.0**2))
    np.testing.assert_allclose(blurred[12:29, 12:29], (bell / bell.sum())[12:29, 12:29], rtol=2e-3)
    assert blurred.sum() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("deviation", [0.3, 1.5, 6.0])
def test_probabilities_still_sum_to_one_at_edges_and_gaps(deviation):
    probabilities = draw_probabilities(60, 50, classes=4)
    valid = np.random.default_rng(1).random((60, 50)) > 0.3
    blurred = smooth(probabilities, valid, deviation)
    np.testing.assert_allclose(blurred.sum(axis=0)[valid], 1, rtol=1e-5)


def test_a_constant_stays_the_same_next_to_gaps_and_edges():
    probabilities = np.full((2, 30, 40), 0.25, np.float32)
    probabilities[1] = 0.75
    valid = everywhere(probabilities)
    valid[10:20, :30] = False
    probabilities[:, ~valid] = np.nan
    blurred = smooth(probabilities, valid, 4.0)
    np.testing.assert_allclose(blurred[:, valid], np.array([[0.25], [0.75]]) * np.ones(valid.sum()), rtol=1e-5)


def test_what_lies_in_gaps_does_not_matter():
    probabilities = draw_probabilities(50, 50)
    valid = draw_probabilities(50, 50, seed=5)[0] < 0.5
    wanted = smooth(probabilities, valid, 3.0)
    for inside in (0.0, 1.0, np.nan, np.inf):
        probabilities[:, ~valid] = inside
        np.testing.assert_array_equal(smooth(probabilities, valid, 3.0), wanted)


def test_pixels_farther_than_the_reach_do_not_matter():
    probabilities = draw_probabilities(100, 30)
    wanted = smooth(probabilities, everywhere(probabilities), 3.0)
    reach = reach_of(3.0)
    part = probabilities[:, : 50 + reach]
    np.testing.assert_array_equal(smooth(part, everywhere(part), 3.0)[:, :50], wanted[:, :50])
    part = probabilities[:, : 50 + reach - 1]
    assert (smooth(part, everywhere(part), 3.0)[:, :50] != wanted[:, :50]).any()


@pytest.mark.parametrize("pixels", [1, 1000, 10**6])
def test_some_lines_at_a_time_are_as_all_at_once(monkeypatch, pixels):
    monkeypatch.setattr(smoothing, "_PIXELS_AT_ONCE", pixels)
    probabilities = draw_probabilities(70, 41)
    valid = draw_probabilities(70, 41, seed=5)[0] < 0.5
    weights = gaussian_filter(valid.astype(np.float32), 2.0, mode="constant")
    wanted = [gaussian_filter(np.where(valid, one, np.float32(0)), 2.0, mode="constant") for one in probabilities]
    np.testing.assert_allclose(smooth(probabilities, valid, 2.0)[:, valid], (wanted / weights)[:, valid], rtol=1e-6)


def test_a_cancel_is_heard_within_one_blur():
    asked = []
    listener = Listener(lambda _: asked.append(1) or len(asked) == 2)
    probabilities = np.full((2, 1500, 700), 0.5, np.float32)
    with pytest.raises(Cancelled):
        smoothing.smooth(probabilities, everywhere(probabilities), 2.0, listener)
    assert len(asked) == 2
