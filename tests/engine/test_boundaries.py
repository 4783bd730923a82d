"""Rims of features, against distances measured in another way."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.labels.boundaries import find_rims
from scipy.spatial.distance import cdist


def measure(numbers, width):
    """Return rims by comparing every pixel with every other."""
    padded = np.pad(numbers, 1, mode="edge")
    beside = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    outline = (numbers > 0) & np.logical_or.reduce([one != numbers for one in beside])
    if not outline.any():
        return outline
    places = np.argwhere(np.ones_like(outline))
    near = cdist(places, np.argwhere(outline)).min(axis=1).reshape(numbers.shape) < width
    return near & (numbers > 0)


def test_neighbours_are_kept_apart_and_the_edge_of_the_raster_is_no_boundary():
    numbers = np.zeros((7, 12), np.int32)
    numbers[:, 2:6], numbers[:, 6:10] = 1, 2
    rims = find_rims(numbers, 1)
    assert (rims == [0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0]).all()
    assert find_rims(numbers, 2).sum() == 7 * 8


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_rims_are_as_wide_as_asked(width, seed):
    random = np.random.default_rng(seed)
    numbers = np.kron(random.integers(0, 4, (4, 5)), np.ones((9, 8))).astype(np.int32)
    numbers[5:12, 3:9] = 9
    assert np.array_equal(find_rims(numbers, width), measure(numbers, width))


@pytest.mark.parametrize("numbers", [np.zeros((5, 5), np.int32), np.full((5, 5), 3, np.int32)])
def test_without_an_edge_there_is_no_rim(numbers):
    assert not find_rims(numbers, 3).any()
