"""Weights between features, against distances measured feature by feature over the whole raster."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.events import Cancelled
from geoseg.geoseg_plugin.engine.labels.weights import weigh_borders, weight_reach
from geoseg.geoseg_plugin.engine.raster import blocks
from scipy.ndimage import distance_transform_edt


def compute(numbers, weight, sigma):
    """Return the formula of the help with all features sorted by distance."""
    distances = [distance_transform_edt(numbers != one) for one in np.unique(numbers[numbers > 0])]
    if len(distances) < 2:
        return np.ones(numbers.shape)
    first, second = np.sort(distances, axis=0)[:2]
    return np.where(numbers == 0, 1 + weight * np.exp(-((first + second) ** 2) / (2 * sigma**2)), 1)


def scatter(seed, shape=(120, 150), count=14):
    random = np.random.default_rng(seed)
    numbers = np.zeros(shape, np.int32)
    for number in range(1, count):
        row, col = random.integers(0, shape[0] - 6), random.integers(0, shape[1] - 6)
        height, width = random.integers(1, 25, 2)
        numbers[row : row + height, col : col + width] = 1000 * number
    return numbers


@pytest.mark.parametrize(("weight", "sigma"), [(10.0, 5.0), (1000.0, 0.5), (3.0, 20.0)])
@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_the_formula(recorder, weight, sigma, seed):
    numbers = scatter(seed)
    found = weigh_borders(numbers, weight, sigma, recorder)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, compute(numbers, weight, sigma), rtol=2e-6)
    assert found.max() > 1.01
    assert (found[numbers > 0] == 1).all()


@pytest.mark.parametrize(("weight", "sigma"), [(10.0, 5.0), (1000.0, 2.0)])
def test_blocks_with_what_reaches_into_them_are_the_whole(recorder, weight, sigma):
    numbers, reach = scatter(7), weight_reach(weight, sigma)
    whole = weigh_borders(numbers, weight, sigma, recorder)
    for window in blocks(120, 150, 37, 41):
        (top, bottom), (left, right) = window.toranges()
        up, aside = max(0, top - reach), max(0, left - reach)
        part = weigh_borders(numbers[up : bottom + reach, aside : right + reach], weight, sigma, recorder)
        inner = part[top - up : top - up + window.height, left - aside : left - aside + window.width]
        assert np.array_equal(inner, whole[window.toslices()])


@pytest.mark.parametrize("numbers", [np.zeros((5, 5), np.int32), np.full((5, 5), 3, np.int32), np.eye(5, dtype=int)])
def test_less_than_two_features_weigh_nothing(recorder, numbers):
    assert (weigh_borders(numbers.astype(np.int32), 10, 5, recorder) == 1).all()


def test_no_weight_reaches_nowhere(recorder):
    assert weight_reach(0, 5) == 0
    assert (weigh_borders(scatter(0), 0, 5, recorder) == 1).all()


def test_weighing_stops_when_asked(make_recorder):
    with pytest.raises(Cancelled):
        weigh_borders(scatter(0), 10, 5, make_recorder(lambda recorder: True))
