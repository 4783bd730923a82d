"""The number formats that networks compute in."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training_parts.machine import PRECISIONS
from geoseg.geoseg_plugin.engine.precision import (
    autocast,
    cast_weights,
    gradient_scaler,
    processor_has_bfloat16,
)
from geoseg.models.catalog import build_network

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


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("unet", "resnet18"), ("deeplabv3plus", "mobilenet_v2"), ("segformer", "mit_b0"), ("gscnn", "resnet18")],
)
def test_a_network_with_cast_weights_answers_the_same(architecture, encoder):
    network = build_network(architecture, encoder, 3, 2).eval()
    sample = torch.randn(1, 3, 64, 64)
    with torch.inference_mode(), autocast(CPU, "bfloat16"):
        before = network(sample)
        cast_weights(network, "bfloat16")
        assert torch.equal(network(sample), before)
    assert {part.dtype for part in network.parameters()} == {torch.float32, torch.bfloat16}


def test_weights_of_float32_are_not_cast():
    cast_weights(network := torch.nn.Conv2d(1, 2, 1), "float32")
    assert network.weight.dtype == torch.float32


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
