"""How certain probabilities are."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.results.certainty import (
    measure_confidence,
    measure_entropy,
    measure_margin,
)
from geoseg.tests.engine.mapped import draw_probabilities
from scipy import stats


def pixel(*probabilities):
    return np.array(probabilities, np.float32)[:, None, None]


@pytest.mark.parametrize(
    ("probabilities", "confidence", "margin", "entropy"),
    [
        ((0, 1, 0), 1, 1, 0),
        ((1, 0), 1, 1, 0),
        ((0.5, 0.5), 0.5, 0, 1),
        ((0.25, 0.25, 0.25, 0.25), 0.25, 0, 1),
        ((0.5, 0, 0.5, 0), 0.5, 0, 0.5),
        ((0.2, 0.1, 0.7), 0.7, 0.5, 0.729847),
    ],
)
def test_of_single_pixels(probabilities, confidence, margin, entropy):
    values = pixel(*probabilities)
    assert measure_confidence(values)[0, 0] == pytest.approx(confidence)
    assert measure_margin(values)[0, 0] == pytest.approx(margin, abs=1e-7)
    assert measure_entropy(values)[0, 0] == pytest.approx(entropy, abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 7, 300])
def test_of_maps(classes):
    values = draw_probabilities(30, 40, classes)
    ordered = np.sort(values, axis=0)
    np.testing.assert_array_equal(measure_confidence(values), ordered[-1])
    np.testing.assert_array_equal(measure_margin(values), ordered[-1] - ordered[-2])
    wanted = stats.entropy(values.astype(float), axis=0) / np.log(classes)
    np.testing.assert_allclose(measure_entropy(values), wanted, atol=1e-5)
    assert (measure_entropy(values) >= 0).all()
    assert (measure_entropy(values) <= 1).all()


@pytest.mark.parametrize("measure", [measure_confidence, measure_margin, measure_entropy])
def test_no_data_stays_no_data(measure):
    values = draw_probabilities(4, 5)
    known = measure(values)
    values[:, 2, 3] = np.nan
    found = measure(values)
    assert np.isnan(found[2, 3])
    found[2, 3] = known[2, 3]
    np.testing.assert_array_equal(found, known)
