"""Weights at borders, against distances computed pixel by pixel."""

import numpy as np
import pytest
import torch
from geoseg.models.losses.borders import weigh_borders
from scipy.ndimage import distance_transform_cdt


def _weigh(labels, known=None, weight=4.0, width=3):
    labels = torch.as_tensor(labels)[None]
    known = torch.ones_like(labels, dtype=torch.bool) if known is None else torch.as_tensor(known)[None]
    return weigh_borders(labels, known, weight, width)[0].numpy()


def _expected(labels, known, weight, width):
    """Look at all pairs of neighbours, then measure chessboard distances."""
    border = np.zeros(labels.shape, dtype=bool)
    for row, col in np.argwhere(known):
        around = slice(max(row - 1, 0), row + 2), slice(max(col - 1, 0), col + 2)
        border[row, col] = (known[around] & (labels[around] != labels[row, col])).any()
    if not border.any():
        return np.ones(labels.shape)
    distance = distance_transform_cdt(~border, "chessboard")
    return 1 + weight * np.maximum(0, 1 - distance / width)


@pytest.mark.parametrize("width", [1, 2, 5, 64])
def test_against_distances(width):
    random = np.random.default_rng(width)
    labels = np.kron(random.integers(0, 3, (4, 5)), np.ones((9, 7), dtype=np.int64))
    known = np.kron(random.random((12, 7)) < 0.8, np.ones((3, 5), dtype=bool))
    assert _weigh(labels, known, 2.5, width) == pytest.approx(_expected(labels, known, 2.5, width), rel=1e-5)


def test_a_straight_border():
    labels = np.repeat([0, 1], [6, 6])[None].repeat(3, axis=0)
    row = [1, 1, 1, 7 / 3, 11 / 3, 5, 5, 11 / 3, 7 / 3, 1, 1, 1]
    assert _weigh(labels) == pytest.approx(np.array([row] * 3))


def test_corners_are_borders():
    assert _weigh([[0, 0, 0], [0, 0, 0], [0, 0, 1]], width=1).tolist() == [[1, 1, 1], [1, 5, 5], [1, 5, 5]]


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
