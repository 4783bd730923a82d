"""Weights of classes from their pixels, against the formulas of their papers."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.stages.training_parts.objective import CLASS_WEIGHTS, GIVEN, UNWEIGHTED
from geoseg.models.losses.class_weights import weigh_classes

KINDS = tuple(kind for kind in CLASS_WEIGHTS if kind not in (UNWEIGHTED, GIVEN))
COUNTS = np.array([[600, 200, 0, 0], [200, 100, 100, 0], [0, 700, 50, 0]])


def _scaled(weights):
    weights = np.asarray(weights, dtype=float)
    return pytest.approx(np.append(weights / weights.mean(), 0.0))


def test_inverse_frequency():
    # 800, 1000 and 150 of 1950 pixels.
    assert weigh_classes("inverse frequency", COUNTS) == _scaled([1950 / 800, 1950 / 1000, 1950 / 150])


def test_median_frequency():
    # Eigen and Fergus: a class's pixels by all pixels of the tiles that show it; the median by that.
    shares = np.array([800 / (800 + 400), 1000 / (800 + 400 + 750), 150 / (400 + 750)])
    assert weigh_classes("median frequency", COUNTS) == _scaled(np.median(shares) / shares)


def test_median_frequency_is_inverse_frequency_where_all_tiles_show_all_classes():
    counts = np.array([[600, 200, 3], [5, 100, 100]])
    assert weigh_classes("median frequency", counts) == pytest.approx(weigh_classes("inverse frequency", counts))


def test_effective_number():
    beta = 1 - 1 / (1950 / 3)
    weights = [(1 - beta) / (1 - beta**count) for count in (800, 1000, 150)]
    assert weigh_classes("effective number", COUNTS) == _scaled(weights)


def test_effective_number_lies_between_equal_and_inverse():
    counts = np.array([[10**9, 10**8, 10**3]])
    inverse, effective = (np.array(weigh_classes(kind, counts)) for kind in ("inverse frequency", "effective number"))
    assert 1 < effective[1] / effective[0] < inverse[1] / inverse[0]
    assert effective[2] / effective[1] == pytest.approx(inverse[2] / inverse[1], rel=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_classes_weigh_1(kind):
    assert weigh_classes(kind, np.full((5, 3), 1)) == pytest.approx((1, 1, 1))
    assert weigh_classes(kind, np.full((5, 3), 10**9)) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_rare_classes_weigh_more_absent_ones_nothing(kind):
    weights = weigh_classes(kind, COUNTS)
    assert weights[2] > max(weights[:2])
    assert weights[3] == 0
    assert np.mean(weights[:3]) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_without_any_pixel_nothing_weighs(kind):
    assert weigh_classes(kind, np.zeros((2, 3), dtype=np.int64)) == (0, 0, 0)
    assert weigh_classes(kind, np.zeros((0, 3), dtype=np.int64)) == (0, 0, 0)
