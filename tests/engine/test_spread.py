"""Thresholds that follow from how probabilities are spread."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.decisions.spread import Spread, part_in_two
from geoseg.tests.engine.mapped import draw_probabilities


def spread_of(*values):
    """Return the spread of a second class with these probabilities."""
    second = np.array([values], np.float32)
    spread = Spread(2)
    spread.add(np.stack([1 - second, second]), np.ones(second.shape, bool))
    return spread


def best_edge(counts):
    """Return the edge whose parts have the smallest variance within, by trying all of them."""
    places = np.repeat(np.arange(len(counts)), counts)
    within = [
        sum(part.var() * len(part) for part in (places[places < edge], places[places >= edge]) if len(part))
        for edge in range(1, len(counts))
    ]
    return 1 + int(np.argmin(within))


@pytest.mark.parametrize("seed", range(5))
def test_a_histogram_is_parted_where_variance_within_is_least(seed):
    random = np.random.default_rng(seed)
    peaks = np.concatenate([random.normal(20, 6, 3000), random.normal(random.uniform(40, 55), 4, 700)])
    counts = np.bincount(peaks.clip(0, 63).astype(int), minlength=64)
    assert part_in_two(counts) == best_edge(counts)


@pytest.mark.parametrize("counts", [[0, 0, 0], [0, 5, 0], [7]])
def test_what_is_all_the_same_is_not_parted(counts):
    assert part_in_two(np.array(counts)) is None


def test_a_gap_is_parted_in_its_middle():
    assert part_in_two(np.array([9, 0, 0, 0, 9])) == 2.5
    (threshold,) = spread_of(0.125, 0.125, 0.75).find_thresholds("otsu")
    assert threshold == pytest.approx((0.125 + 0.75) / 2, abs=1 / 1024)


def test_two_probabilities_next_to_each_other_are_parted_exactly():
    (threshold,) = spread_of(300 / 1024, 301 / 1024).find_thresholds("otsu")
    assert threshold == 301 / 1024


def test_the_mean_is_that_of_all_valid_pixels_whatever_their_parts():
    probabilities = draw_probabilities(200, 90, classes=4)
    valid = np.random.default_rng(0).random((200, 90)) > 0.4
    probabilities[:, ~valid] = np.nan
    whole, parts = Spread(4), Spread(4)
    whole.add(probabilities, valid)
    for first in range(0, 200, 37):
        parts.add(probabilities[:, first : first + 37], valid[first : first + 37])
    wanted = probabilities[1:, valid].astype(float).mean(axis=1)
    for spread in (whole, parts):
        assert spread.pixels == valid.sum()
        np.testing.assert_allclose(spread.find_thresholds("mean"), wanted, rtol=1e-12)
    assert whole.find_thresholds("otsu") == parts.find_thresholds("otsu")


def test_without_pixels_or_with_one_value_there_is_no_threshold():
    empty = Spread(3)
    empty.add(np.full((3, 2, 2), np.nan, np.float32), np.zeros((2, 2), bool))
    assert empty.pixels == 0
    assert empty.find_thresholds("otsu") == empty.find_thresholds("mean") == (None, None)
    assert spread_of(1.0, 1.0).find_thresholds("otsu") == (None,)
    assert spread_of(1.0, 1.0).find_thresholds("mean") == (1.0,)
