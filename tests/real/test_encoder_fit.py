"""Every network with every encoder of the list, as the table has it; takes many minutes."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.networks import ENCODERS
from geoseg.models import encoder_fit, library
from geoseg.models.catalog import _OWN, _own, build_network, smallest_tile
from geoseg.models.encoder_fit import fitting_encoders
from geoseg.tests.engine.on_paper import WITH_ENCODER, assert_as_the_table_has_it, assert_takes_other_bands


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_table_says_what_the_libraries_can_build(encoder):
    assert_as_the_table_has_it(encoder)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_all_that_sees_the_bands_is_adapted(encoder):
    assert_takes_other_bands(encoder)


@pytest.mark.parametrize("architecture", WITH_ENCODER)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_network_is_built_where_the_table_says_so(architecture, encoder):
    side = smallest_tile(architecture)
    if encoder in fitting_encoders(architecture):
        network = build_network(architecture, encoder, 4, 3).eval()
        image = torch.randn(1, 4, side, side + 33, requires_grad=True)
        logits = network(image)
        assert logits.shape == (1, 3, side, side + 33)
        (seen,) = torch.autograd.grad(logits.square().sum(), image)
        assert seen.abs().amax((0, 2, 3)).all()
        return
    with pytest.raises(RequestError, match="does not fit"):
        build_network(architecture, encoder, 4, 3)
    with pytest.raises(encoder_fit._FAULTS):
        _own(architecture)(4, 3, encoder) if architecture in _OWN else library.build(architecture, encoder, 4, 3)
