"""Resizing between grids that cover the same ground."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.prediction.opinions.resizing import resize


@pytest.mark.parametrize("sides", [(64, 96), (64, 32), (96, 64), (32, 128), (50, 50)])
def test_a_constant_stays_and_a_slope_stays_straight(sides):
    old, new = sides
    flat = np.full((2, old, old), 3.7, np.float32)
    np.testing.assert_allclose(resize(flat, new), 3.7, rtol=1e-6)
    slope = np.broadcast_to(np.arange(old, dtype=np.float32) + 0.5, (1, old, old))
    inner = slice(new // 8, -(new // 8))  # at the borders there is nothing to go on with
    wanted = (np.arange(new) + 0.5) * old / new
    np.testing.assert_allclose(resize(slope, new)[0, :, inner], np.tile(wanted[inner], (new, 1)), atol=0.03)


@pytest.mark.parametrize(("new", "smaller"), [(96, False), (128, False), (32, True), (48, True)])
def test_it_is_bilinear_resizing_as_torch_does_it(new, smaller):
    image = np.random.default_rng(0).random((3, 64, 64), np.float32)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None], size=(new, new), mode="bilinear", antialias=smaller
    )
    np.testing.assert_allclose(resize(image, new), theirs[0].numpy(), atol=1e-5)


def test_nothing_is_left_out_where_it_becomes_smaller():
    image = np.zeros((1, 64, 64), np.float32)
    image[0, 33, 30] = 16
    assert resize(image, 16).sum() == pytest.approx(1, rel=1e-5)
