"""A check that several networks need."""

import torch


def assert_precise(network):
    """Assert that a network of three bands predicts alike in bfloat16 and in any order of the memory."""
    network.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        wanted = network(image)
        network.to(memory_format=torch.channels_last)
        ordered = network(image.to(memory_format=torch.channels_last))
        with torch.autocast("cpu", torch.bfloat16):
            low = network(image)
    torch.testing.assert_close(ordered, wanted, atol=1e-4 * wanted.abs().max().item(), rtol=1e-4)
    assert low.dtype == torch.float32
    assert (low - wanted).abs().max() < 0.05 * wanted.abs().max()
