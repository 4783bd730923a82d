"""Which encoders fit which networks: the list by a table, all others by trying."""

import functools

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.networks import ENCODERS, NETWORKS, NO_ENCODER
from geoseg.models import library
from geoseg.models.catalog import build_network
from geoseg.models.encoder_fit import build_fitting, fitting_encoders

WITH_ENCODER = [network.name for network in NETWORKS if network.encoder != NO_ENCODER]
DILATED = {"pan", "deeplabv3", "deeplabv3plus", "gscnn"}
WITHOUT_MIX_TRANSFORMERS = {"unetplusplus", "linknet"}


@pytest.fixture
def on_paper(monkeypatch):
    """Builds without memory and without filling it, or None where that fails."""
    # What the mix transformers count with, they must have.
    monkeypatch.setattr(torch, "linspace", functools.partial(torch.linspace, device="cpu"))

    def build(encoder, **options):
        with torch.device("meta"):
            try:
                return library.build_encoder(encoder, 3, **options)
            except (ValueError, AssertionError, TypeError):
                return None

    return build


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if not name.startswith("tu-vit_")])
def test_the_table_says_what_the_libraries_can_build(encoder, on_paper):
    plain = on_paper(encoder)
    assert sum(values.numel() for values in plain.parameters() if values.requires_grad) == ENCODERS[encoder]
    dilated = on_paper(encoder, output_stride=16) is not None
    for architecture in WITH_ENCODER:
        fits = architecture != "dpt"
        fits &= architecture not in DILATED or dilated
        fits &= architecture not in WITHOUT_MIX_TRANSFORMERS or not encoder.startswith("mit_")
        assert fits == (encoder in fitting_encoders(architecture)), architecture


@pytest.mark.parametrize("encoder", [name for name in ENCODERS if name.startswith("tu-vit_")])
def test_plain_transformers_are_for_dpt(encoder, on_paper):
    assert on_paper(encoder) is None
    with torch.device("meta"):
        module = library.build("dpt", encoder, 3, 2).encoder
    assert sum(values.numel() for values in module.parameters()) == ENCODERS[encoder]
    assert [name for name in WITH_ENCODER if encoder in fitting_encoders(name)] == ["dpt"]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_usual_encoder_fits(network):
    assert network.encoder == NO_ENCODER or network.encoder in fitting_encoders(network.name)


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("unet", "resnet18.a1_in1k"), ("unet", "resnet19"), ("fpn", "hf-hub:timm/resnet18"), ("fpn", "tu-hf-hub:a/b")],
)
def test_an_encoder_that_is_not_known(architecture, encoder):
    with pytest.raises(RequestError, match=f"The encoder '{encoder}' is not known"):
        build_network(architecture, encoder, 3, 2)


def test_a_misspelt_encoder_is_told_what_may_be_meant():
    with pytest.raises(RequestError) as caught:
        build_network("unet", "mobilenetv2", 3, 2)
    assert "Did you mean mobilenet_v2" in caught.value.fix
    with pytest.raises(RequestError) as caught:
        build_network("unet", "resnest26d", 3, 2)
    assert "tu-resnest26d" in caught.value.fix


@pytest.mark.parametrize("encoder", ["tu-resnet10t", "tu-lcnet_050.ra2_in1k", "timm-skresnet18", "vgg11"])
def test_encoders_beyond_the_list_are_taken_where_they_fit(encoder):
    network = build_network("unet", encoder, 5, 3)
    assert network.training
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 5, 40, 64)).shape == (1, 3, 40, 64)


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("unet", "tu-vit_tiny_patch16_384"), ("unet", "tu-swin_tiny_patch4_window7_224"), ("deeplabv3", "vgg11"),
        ("dpt", "tu-resnet10t"), ("dpt", "vgg11"), ("dpt", "tu-vit_small_patch14_dinov2"),
    ],
)  # fmt: skip
def test_encoders_beyond_the_list_that_do_not_fit(architecture, encoder):
    with pytest.raises(RequestError, match=f"The encoder '{encoder}' does not fit {architecture}") as caught:
        build_network(architecture, encoder, 3, 2)
    assert fitting_encoders(architecture)[0] in caught.value.fix


def test_a_network_that_does_not_see_the_image_does_not_fit():
    class Blind(torch.nn.Module):
        def forward(self, image):
            return (0 * image[:, :2]).cumsum(-1) + 1

    with pytest.raises(RequestError, match="does not fit"):
        build_fitting(Blind, "unet", "vgg11", (3, 32, 64))


def test_a_misfit_of_the_list_says_what_fits():
    with pytest.raises(RequestError, match="does not fit deeplabv3") as caught:
        build_network("deeplabv3", "vgg16_bn", 3, 2)
    assert "resnet18" in caught.value.fix
    assert "vgg16_bn" not in caught.value.fix
