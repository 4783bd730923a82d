"""Batch normalisation in the convolutions before it."""

import pytest
import torch
from geoseg.geoseg_plugin.engine.prediction.networks.folding import fold_normalisation
from geoseg.models.catalog import build_network
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

SAMPLE = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def worn(module):
    """Give a network normalisations that do something, as after training, and no more training."""
    generator = torch.Generator().manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                tensor.uniform_(0.5, 1.5, generator=generator)
    return module.eval()


def count_normalisations(module):
    """Return how many are left."""
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in module.modules())


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("unet", "resnet18"), ("deeplabv3plus", "mobilenet_v2"), ("lw-refinenet", "mobilenet_v2"), ("cloudxnet", "none")],
)
def test_a_network_answers_as_before(architecture, encoder):
    torch.manual_seed(0)
    network = worn(build_network(architecture, encoder, 3, 2))
    had = count_normalisations(network)
    with torch.no_grad():
        before = network(SAMPLE)
        fold_normalisation(network, SAMPLE)
        after = network(SAMPLE)
    assert count_normalisations(network) < 0.2 * had
    torch.testing.assert_close(after, before, rtol=0, atol=1e-4 * float(before.abs().max()))
    assert not any(weight.is_inference() for weight in network.parameters())  # some convolutions refuse these


class Twice(nn.Module):
    """A convolution of which both the plain and the normalised results are needed, or that works twice."""

    def __init__(self, *, again):
        super().__init__()
        self.layer, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self._again = again

    def forward(self, image):
        plain = self.layer(image)
        return self.norm(plain) + (self.layer(image) if self._again else plain)


@pytest.mark.parametrize("again", [True, False])
def test_what_is_needed_plain_too_stays(again):
    network = worn(Twice(again=again))
    parts = [network.layer, network.norm]
    before = network(SAMPLE)
    fold_normalisation(network, SAMPLE)
    assert [network.layer, network.norm] == parts
    assert torch.equal(network(SAMPLE), before)


def test_normalisation_by_the_batch_itself_stays():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).eval()
    fold_normalisation(network, SAMPLE)
    assert count_normalisations(network) == 1
