"""Light-Weight RefineNet: its published sizes and ways."""

import pytest
import torch
from geoseg.models.lw_refinenet import ChainedResidualPooling, LightWeightRefineNet
from geoseg.tests.engine.precise import assert_precise


def _size(network):
    return sum(part.numel() for part in network.parameters() if part.requires_grad)


def test_over_mobilenet_it_has_the_published_size():
    assert _size(LightWeightRefineNet(3, 2)) == 3_240_770


@pytest.mark.parametrize(("encoder", "millions"), [("resnet50", 27), ("resnet101", 46), ("resnet152", 62)])
def test_over_resnet_it_has_the_published_sizes(encoder, millions):
    with torch.device("meta"):
        assert round(_size(LightWeightRefineNet(3, 21, encoder)) / 1e6) == millions


def test_the_decoder_over_resnet_has_the_layers_of_the_description():
    with torch.device("meta"):
        network = LightWeightRefineNet(3, 2, "resnet50")
    reductions = 2048 * 512 + (1024 + 512 + 256) * 256
    chains = 4 * 512**2 + 3 * 4 * 256**2
    between = 512 * 256 + 2 * 256**2
    adapters = 3 * 256**2
    head = 9 * 256 * 2 + 2
    assert _size(network) - _size(network.encoder) == reductions + chains + between + adapters + head
    assert [fusion.dropout.p for fusion in network.fusions] == [0.5, 0.5, 0, 0]


def test_chained_pooling_sees_ever_further():
    pooling = ChainedResidualPooling(1)
    for stage in pooling.stages:
        torch.nn.init.ones_(stage.weight)
    point = torch.zeros(1, 1, 21, 21)
    point[..., 10, 10] = 1
    line = pooling(point)[0, 0, 10, 10:].tolist()
    assert line == [5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0]


def test_it_decides_at_a_quarter_of_the_size_and_interpolates():
    torch.manual_seed(0)
    network, seen = LightWeightRefineNet(3, 2).eval(), []
    network.head.register_forward_hook(lambda *given: seen.append(given[-1]))
    with torch.inference_mode():
        logits = network(torch.randn(1, 3, 64, 96))
    assert seen[0].shape == (1, 2, 16, 24)
    wanted = torch.nn.functional.interpolate(seen[0], scale_factor=4, mode="bicubic")
    torch.testing.assert_close(logits, wanted)


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "resnet18", "tu-convnext_atto"])
def test_every_parameter_learns(encoder):
    torch.manual_seed(0)
    network = LightWeightRefineNet(2, 3, encoder)
    network(torch.randn(2, 2, 64, 96)).square().mean().backward()
    assert [name for name, part in network.named_parameters() if part.grad is None or not part.grad.any()] == []


def test_in_low_precision_and_any_memory_order_it_answers_alike():
    torch.manual_seed(0)
    assert_precise(LightWeightRefineNet(3, 2))
