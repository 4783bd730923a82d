"""Views of a window: which there are, and that answers to them come back to where they belong."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.prediction_parts.opinions import read_scales
from geoseg.geoseg_plugin.engine.prediction.opinions.variations import Variation, list_variations

WINDOW = np.random.default_rng(0).random((2, 32, 32), np.float32)


@pytest.mark.parametrize(("augmentation", "count"), [("none", 1), ("flips", 4), ("dihedral", 8)])
def test_all_views_differ_and_are_turned_back_exactly(augmentation, count):
    variations = list_variations(augmentation, None)
    seen = [variation.vary(WINDOW, 32) for variation in variations]
    assert len({view.tobytes() for view in map(np.ascontiguousarray, seen)}) == count
    for variation, view in zip(variations, seen, strict=True):
        np.testing.assert_array_equal(variation.turn_back(view, 32), WINDOW)


def test_flips_are_left_right_up_down_and_both():
    seen = [variation.vary(WINDOW, 32) for variation in list_variations("flips", None)]
    wanted = [WINDOW, WINDOW[:, :, ::-1], WINDOW[:, ::-1], WINDOW[:, ::-1, ::-1]]
    for view, flipped in zip(seen, wanted, strict=True):
        np.testing.assert_array_equal(view, flipped)


@pytest.mark.parametrize("variation", list_variations("dihedral", "1.5"))
def test_a_place_is_found_again_after_resizing(variation):
    spot = np.zeros((1, 64, 64), np.float32)
    spot[0, 12:20, 40:48] = 1
    view = variation.vary(spot, 96)
    assert view.shape == (1, 96, 96)
    back = variation.turn_back(view, 64)
    rows, cols = np.nonzero(back[0] > 0.5)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (12, 19, 40, 47)


def test_scales_come_each_once_with_all_views():
    variations = list_variations("flips", "0.75, 1,1.25,1.0")
    assert len(variations) == 12
    assert [one.scale for one in variations[::4]] == [0.75, 1.0, 1.25]
    assert Variation() in variations


@pytest.mark.parametrize("text", ["x", "1,", "0.2", "5", "nan", "1;2", "-1", "inf"])
def test_other_scales_are_refused(text):
    with pytest.raises(RequestError, match=r"SCALES is .* Give factors from 0.25 to 4"):
        read_scales(text)
