"""Every network learns two real tiles by heart; takes a few minutes."""

import pytest
from geoseg.geoseg_plugin.contract.networks import NETWORK
from geoseg.tests.engine.overfitting import overfit


@pytest.mark.data
@pytest.mark.parametrize("name", NETWORK)
def test_two_real_tiles_are_learnt_by_heart(name, data, record_property):
    iou, steps = overfit(name, data, 0.95)
    record_property("iou", iou)
    record_property("steps", steps)
    assert iou > 0.95
