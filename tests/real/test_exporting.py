"""The ONNX of every network answers like torch; takes a few minutes."""

import pytest
from geoseg.geoseg_plugin.contract.networks import NETWORK
from geoseg.tests.engine.exporting import assert_exports


@pytest.mark.parametrize("name", NETWORK)
def test_onnx_answers_alike(name, tmp_path):
    assert_exports(name, tmp_path)
