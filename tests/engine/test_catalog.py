"""Which networks there are, and how they are built."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.networks import NETWORK, NETWORKS, NO_ENCODER
from geoseg.models.catalog import build_network, choose_encoder, network_side, smallest_tile, training_loss


def test_network_side_is_the_next_multiple_of_32():
    assert [network_side(n) for n in (1, 32, 33, 500)] == [32, 32, 64, 512]


@pytest.mark.parametrize("network", NETWORKS)
def test_auto_takes_the_usual_encoder(network):
    assert choose_encoder(network.name, "auto") == network.encoder


def test_another_encoder_replaces_the_chosen_one():
    assert choose_encoder("unet", "resnet50") == "resnet50"
    assert choose_encoder("unet", "resnet50", "tu-resnet10t") == "tu-resnet10t"
    assert choose_encoder("cloudxnet", "none") == "none"
    with pytest.raises(RequestError, match="cloudxnet has no encoder to choose, so that resnet50"):
        choose_encoder("cloudxnet", "resnet50")


def test_an_encoder_that_is_known_not_to_fit_is_refused_before_anything_is_built():
    with pytest.raises(RequestError, match="The encoder 'mit_b0' does not fit linknet"):
        choose_encoder("linknet", "mit_b0")
    assert choose_encoder("linknet", "auto", "not_known") == "not_known"


@pytest.mark.parametrize(
    "architecture", [network.name for network in NETWORKS if network.encoder not in (NO_ENCODER, "mit_b0")]
)
def test_each_network_gives_logits_of_the_images_size(architecture):
    encoder = NETWORK[architecture].encoder if architecture == "dpt" else "mobilenet_v2"
    network = build_network(architecture, encoder, 5, 3).eval()
    side = smallest_tile(architecture)
    with torch.inference_mode():
        assert network(torch.zeros(1, 5, side - 1, side + 33)).shape == (1, 3, side - 1, side + 33)


@pytest.mark.parametrize("build", [lambda: build_network("segnet", "resnet18", 3, 2), lambda: choose_encoder("x", "y")])
def test_a_network_that_is_not_known(build):
    with pytest.raises(RequestError, match="not known") as caught:
        build()
    assert "unet, unetplusplus" in caught.value.fix


def test_a_loss_of_its_own_goes_before():
    class Own(torch.nn.Module):
        def training_loss(self, loss):
            return lambda given, target: 2 * loss(given, target)

    def loss(given, target):
        return given - target

    assert training_loss(torch.nn.Identity(), loss) is loss
    assert training_loss(Own(), loss)(torch.tensor(3), torch.tensor(1)) == 4
