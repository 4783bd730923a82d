"""Every stage is led to a function."""

from geoseg.geoseg_plugin.contract.stages import STAGES
from geoseg.geoseg_plugin.engine import run


def test_every_stage_has_a_function():
    """But for the one that makes the engine."""
    assert {*run._FUNCTIONS, "installengine"} == set(STAGES)
