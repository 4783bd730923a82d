"""The number formats that networks compute in."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training_parts.machine import PRECISIONS
from geoseg.geoseg_plugin.engine.precision import autocast, gradient_scaler, processor_has_bfloat16

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", [name for name in PRECISIONS if name != "auto"])
def test_a_network_computes_as_asked_and_its_weights_stay_float32(precision):
    network = torch.nn.Conv2d(1, 2, 1)
    with autocast(CPU, precision):
        given = network(torch.ones(1, 1, 2, 2))
    assert given.dtype == getattr(torch, precision)
    given.float().sum().backward()
    assert {part.dtype for part in network.parameters()} == {torch.float32}
    assert network.weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("precision", "factor"), [("float32", 1), ("bfloat16", 1), ("float16", 2**16)])
def test_gradients_of_float16_alone_are_scaled_so_that_small_ones_do_not_vanish(precision, factor):
    loss = gradient_scaler(CPU, precision).scale(torch.tensor(1e-9))
    assert loss.item() == pytest.approx(1e-9 * factor)
    assert (loss.half() > 0) == (precision == "float16")


@pytest.mark.parametrize(
    ("capabilities", "wanted"),
    [
        ({"amx_bf16": True}, True),
        ({"avx512_bf16": True}, True),
        ({"bf16": True}, True),
        ({"avx2": True}, False),
        ({}, False),
    ],
)
def test_a_processor_is_asked_for_its_instructions(monkeypatch, capabilities, wanted):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, **capabilities})
    assert processor_has_bfloat16() == wanted
