"""Slopes of maps."""

import numpy as np
import pytest
import torch
from geoseg.models.gradient import gradient_magnitude
from scipy import ndimage


def test_it_is_that_of_sobel():
    maps = np.random.default_rng(0).normal(size=(2, 3, 9, 14)).astype(np.float32)
    wanted = np.empty_like(maps)
    for index in np.ndindex(maps.shape[:2]):
        wanted[index] = np.hypot(*(ndimage.sobel(maps[index], axis, mode="nearest") / 8 for axis in (0, 1)))
    np.testing.assert_allclose(gradient_magnitude(torch.from_numpy(maps)).numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("turn", [False, True])
def test_a_step_has_half_of_it_on_both_sides(turn):
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1
    slope = gradient_magnitude(step.mT if turn else step)
    wanted = torch.zeros(8)
    wanted[3:5] = 0.5
    torch.testing.assert_close(slope.mT if turn else slope, wanted.expand(1, 1, 8, 8), atol=1e-5, rtol=0)


def test_a_slanted_plane_has_its_slope():
    rows, cols = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    slope = gradient_magnitude((3 * rows + 4 * cols)[None, None])
    torch.testing.assert_close(slope[..., 1:-1, 1:-1], torch.full((1, 1, 7, 7), 5.0))


def test_flat_maps_have_none_and_a_finite_gradient():
    flat = torch.full((1, 1, 5, 5), 7.0, requires_grad=True)
    slope = gradient_magnitude(flat)
    slope.sum().backward()
    assert slope.max() < 1e-5
    assert torch.isfinite(flat.grad).all()


def test_low_precision_is_raised():
    slope = gradient_magnitude(torch.rand(1, 2, 4, 4, dtype=torch.bfloat16))
    assert slope.dtype == torch.float32
