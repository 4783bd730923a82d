"""Weights at borders, against distances computed pixel by pixel."""

import numpy as np
import pytest
import torch
from geoseg.models.losses.borders import find_borders, weigh_borders
from scipy.ndimage import distance_transform_cdt
from torch.overrides import TorchFunctionMode


def _weigh(labels, known=None, weight=4.0, width=3):
    labels = torch.as_tensor(labels)[None]
    known = torch.ones_like(labels, dtype=torch.bool) if known is None else torch.as_tensor(known)[None]
    return weigh_borders(labels, known, weight, width)[0].numpy()


def _borders(labels, known, reach):
    """Look around every pixel."""
    near = np.add.outer(*(np.abs(np.arange(-reach, reach + 1)),) * 2) <= reach
    labels, known = (np.pad(array, reach) for array in (labels, known))
    border = np.zeros(labels.shape, dtype=bool)
    for row, col in np.argwhere(known):
        around = np.s_[row - reach : row + reach + 1, col - reach : col + reach + 1]
        border[row, col] = (near & known[around] & (labels[around] != labels[row, col])).any()
    return border[reach:-reach, reach:-reach]


def _expected(labels, known, weight, width):
    distance = distance_transform_cdt(~_borders(labels, known, 1), "taxicab")
    return 1 + weight * np.maximum(0, 1 - distance / width)


def _case(seed):
    random = np.random.default_rng(seed)
    labels = np.kron(random.integers(0, 3, (4, 5)), np.ones((9, 7), dtype=np.int64))
    return labels, np.kron(random.random((12, 7)) < 0.8, np.ones((3, 5), dtype=bool))


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_borders_against_a_look_around(reach):
    labels, known = _case(reach)
    found = find_borders(torch.as_tensor(labels)[None], torch.as_tensor(known)[None], reach)
    assert (found[0, 0].numpy() == _borders(labels, known, reach)).all()


@pytest.mark.parametrize("width", [1, 2, 5, 64])
def test_weights_against_distances(width):
    labels, known = _case(width)
    assert _weigh(labels, known, 2.5, width) == pytest.approx(_expected(labels, known, 2.5, width), rel=1e-5)


def test_a_straight_border():
    labels = np.repeat([0, 1], [6, 6])[None].repeat(3, axis=0)
    row = [1, 1, 1, 7 / 3, 11 / 3, 5, 5, 11 / 3, 7 / 3, 1, 1, 1]
    assert _weigh(labels) == pytest.approx(np.array([row] * 3))


def test_a_border_has_two_sides():
    assert _weigh([[0, 0, 0], [0, 0, 0], [0, 0, 1]], width=1).tolist() == [[1, 1, 1], [1, 1, 5], [1, 5, 5]]


def test_ignored_pixels_make_no_border():
    labels = np.array([[0, 0, 0, 1, 1, 1]])
    assert (_weigh(labels, labels == 0) == 1).all()
    apart = np.array([[True, True, False, False, True, True]])
    assert (_weigh(labels, apart) == 1).all()


def test_the_edge_of_an_image_is_no_border():
    assert (_weigh(np.full((5, 5), 2)) == 1).all()


def test_images_of_a_batch_do_not_touch():
    labels = torch.stack([torch.zeros(4, 4, dtype=torch.int64), torch.ones(4, 4, dtype=torch.int64)])
    assert (weigh_borders(labels, torch.ones_like(labels, dtype=torch.bool), 4.0, 3) == 1).all()


def test_many_classes_keep_apart():
    labels = torch.arange(300).repeat_interleave(8)[None, None]
    weights = weigh_borders(labels, torch.ones_like(labels, dtype=torch.bool), 1.0, 1)
    assert weights[0, 0, 4:-4].reshape(-1, 8).mean(dim=1).tolist() == [1.25] * 299


def test_wide_borders_take_no_longer():
    class Calls(TorchFunctionMode):
        count = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.count += 1
            return function(*args, **(kwargs or {}))

    counts = []
    for width in (1, 64):
        with Calls() as calls:
            _weigh(np.eye(9, dtype=np.int64), width=width)
        counts.append(calls.count)
    assert counts[0] == counts[1] > 0
