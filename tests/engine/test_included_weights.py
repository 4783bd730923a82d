"""The encoder's weights that come with the engine."""

import numpy as np
import pytest
import rasterio
import torch
from geoseg.geoseg_plugin.contract.networks import INCLUDED, NETWORKS, REPLACED
from geoseg.models.catalog import build_network
from geoseg.models.encoder_fit import fitting_encoders
from geoseg.models.included_weights import read_included
from geoseg.models.start import choose_start
from geoseg.models.weights import Design, give_weights


@pytest.fixture
def no_internet(monkeypatch):
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("It was downloaded."))
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: pytest.fail("It was looked for."))


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        (("unet", "auto", None, "auto"), (INCLUDED, "imagenet")),
        (("fpn", "auto", None, "Auto"), (INCLUDED, "imagenet")),
        (("unet", INCLUDED, None, "auto"), (INCLUDED, "imagenet")),
        (("unet", "auto", None, "None"), ("resnet18", "none")),
        (("unet", "auto", None, "ImageNet"), (INCLUDED, "imagenet")),
        (("unet", "resnet18", None, "imagenet"), ("resnet18", "imagenet")),
        (("unet", "resnet18", None, "auto"), ("resnet18", "none")),
        (("unet", "auto", "tu-resnet10t", "auto"), ("tu-resnet10t", "none")),
        (("segformer", "auto", None, "auto"), ("mit_b0", "none")),
        (("slump-unet", "auto", None, "auto"), ("none", "none")),
    ],
)
def test_they_are_taken_where_the_encoder_is_left_open(asked, start):
    assert choose_start(*asked) == start


@pytest.mark.parametrize("network", [network for network in NETWORKS if network.encoder == REPLACED])
def test_the_encoder_fits_wherever_it_stands_in(network):
    assert INCLUDED in fitting_encoders(network.name)


@pytest.mark.parametrize("architecture", ["unet", "deeplabv3plus", "lw-refinenet"])
@pytest.mark.parametrize("bands", [("red", "green", "blue"), ("vv",), ("a", "b", "c", "d", "e")])
def test_networks_take_them_without_internet(no_internet, recorder, architecture, bands):
    network = build_network(architecture, INCLUDED, len(bands), 2)
    design = Design(architecture, INCLUDED, bands, ("no", "yes"))
    assert give_weights(network, design, "imagenet", recorder) == "imagenet weights of the encoder"
    assert recorder.notes == []
    given = read_included()
    own = {name.removeprefix("model."): values for name, values in network.encoder.state_dict().items()}
    assert own.keys() < given.keys()
    assert all(torch.equal(values, given[name]) for name, values in own.items() if name != "conv_stem.weight")


def test_standardized_pixels_are_to_it_as_photographs_were(data):
    """What its first layers give for real imagery varies as much, channel by channel, as it did in its own training."""
    with rasterio.open(data / "banepa_buildings" / "scenes" / "banepa_A1.tif") as dataset:
        pixels = dataset.read().astype(np.float32)
    pixels -= pixels.mean(axis=(1, 2), keepdims=True)
    pixels /= pixels.std(axis=(1, 2), keepdims=True)
    encoder, given, ratios = build_network("unet", INCLUDED, 3, 2).encoder.model.eval(), read_included(), []
    encoder.load_state_dict({name: given[name] for name in encoder.state_dict()})

    def compare(module, inputs):
        ratios.append(float((inputs[0].var(dim=(0, 2, 3)) / module.running_var).median()))

    for name in ("bn1", "blocks.1.0.bn1", "blocks.2.0.bn1", "blocks.4.0.bn1"):
        encoder.get_submodule(name).register_forward_pre_hook(compare)
    with torch.inference_mode():
        encoder(torch.from_numpy(pixels[None, :, :512, :512]))
    assert len(ratios) == 4
    assert all(0.5 < ratio < 2 for ratio in ratios), ratios
