"""Which encoders fit which networks: the list by a table, all others by trying."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.networks import NETWORKS, NO_ENCODER
from geoseg.models.catalog import build_network
from geoseg.models.encoder_fit import build_fitting, fitting_encoders
from geoseg.tests.engine.on_paper import FAMILIES, VISION_TRANSFORMERS, assert_as_the_table_has_it


@pytest.mark.parametrize("encoder", [*FAMILIES, VISION_TRANSFORMERS[0]])
def test_the_table_says_what_the_libraries_can_build(encoder):
    assert_as_the_table_has_it(encoder)


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


@pytest.mark.parametrize("encoder", ["mobileone_s0", "tu-mobileone_s0", "tu-repvgg_a0"])
def test_encoders_that_end_the_process_are_refused(encoder):
    with pytest.raises(RequestError, match="Torch has a fault that ends the process"):
        build_network("unet", encoder, 3, 2)


def test_a_tag_that_is_not_known_is_named():
    with pytest.raises(RequestError, match="tu-resnet18 has no weights with the tag 'no_such_tag'"):
        build_network("unet", "tu-resnet18.no_such_tag", 3, 2)


def test_a_transformer_of_the_list_is_told_its_network():
    with pytest.raises(RequestError, match="Such transformers are for dpt"):
        build_network("unet", "tu-vit_tiny_patch16_224", 3, 2)


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


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (AssertionError(), "unet."),
        (ValueError(" "), "unet."),
        (ValueError("No stride 32.\nSo."), "unet: No stride 32."),
    ],
)
def test_what_a_library_says_is_said(fault, said):
    def fail():
        raise fault

    with pytest.raises(RequestError) as caught:
        build_fitting(fail, "unet", "vgg11", (3, 32, 64))
    assert caught.value.message == f"The encoder 'vgg11' does not fit {said}"


@pytest.mark.parametrize(
    "said",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried",
        "CUDA out of memory.",
    ],
)
def test_memory_that_is_lacking_is_no_misfit(said):
    def fail():
        raise RuntimeError(said)

    with pytest.raises(RuntimeError, match="memory"):
        build_fitting(fail, "unet", "vgg11", (3, 32, 64))


def test_what_was_tried_is_not_tried_again(monkeypatch):
    def fail(*_):
        pytest.fail("It was tried.")

    monkeypatch.setattr("geoseg.models.encoder_fit._answers", fail)
    build_network("unet", "tu-resnet10t", 3, 2, tried=True)
    with pytest.raises(RequestError, match="does not fit"):
        build_network("unet", "tu-vit_tiny_patch16_384", 3, 2, tried=True)
