"""Statistics of parts, joined, are those of the whole."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.moments import Moments


def test_joined_parts_are_the_whole():
    random = np.random.default_rng(0)
    image = random.normal(1e6, 3, (2, 50, 40))
    valid = random.random((50, 40)) > 0.3
    parts = [Moments.of(image[:, rows], valid[rows]) for rows in (slice(0, 7), slice(7, 30), slice(30, 50))]
    whole = Moments.join(parts)
    pixels = image[:, valid]
    assert whole.count == valid.sum()
    assert whole.mean == pytest.approx(pixels.mean(axis=1), rel=1e-12)
    assert whole.std == pytest.approx(pixels.std(axis=1), rel=1e-9)
    assert np.array_equal(whole.minimum, pixels.min(axis=1))
    assert np.array_equal(whole.maximum, pixels.max(axis=1))
