"""The networks and encoders of segmentation-models-pytorch and timm."""

import warnings

import pytest
import torch
from geoseg.models import library


@pytest.mark.parametrize("encoder", ["timm-mobilenetv3_large_100", "tu-tf_mobilenetv3_large_100"])
def test_old_and_new_names_build_the_same(encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = set(library.build("unet", encoder, 4, 2).encoder.state_dict())
    assert "model.conv_stem.weight" in names


@pytest.mark.parametrize(("encoder", "deepest"), [("resnet18", 512), ("tu-convnext_atto", 320), ("mit_b0", 256)])
def test_an_encoder_gives_features_of_all_scales(encoder, deepest):
    module = library.build_encoder(encoder, 5).eval()
    with torch.inference_mode():
        features = module(torch.zeros(1, 5, 64, 96))
    assert [tuple(one.shape[2:]) for one in features] == [(64 // n, 96 // n) for n in (1, 2, 4, 8, 16, 32)]
    assert [one.shape[1] for one in features] == list(module.out_channels)
    assert (module.out_channels[0], module.out_channels[-1]) == (5, deepest)


def test_a_dilated_encoder_stays_at_its_stride():
    with torch.inference_mode():
        features = library.build_encoder("resnet18", 3, 16).eval()(torch.zeros(1, 3, 64, 64))
    assert [one.shape[-1] for one in features] == [64, 32, 16, 8, 4, 4]


def test_transformers_take_any_tile_and_learn_with_all_they_have():
    network = library.build("dpt", "tu-vit_tiny_patch16_224", 2, 3)
    network(torch.randn(2, 2, 64, 96)).square().mean().backward()
    assert [name for name, values in network.named_parameters() if values.grad is None] == []


def test_what_is_known():
    assert library.is_known("resnet18")
    assert library.is_known("tu-resnet18.a1_in1k")
    assert not library.is_known("tu-resnet19")
    assert not library.is_known("tu-resnet18.no_such_tag")
    assert not library.is_known("tu-hf-hub:timm/resnet18")
    known = library.known_encoders()
    assert "mit_b0" in known
    assert "tu-convnext_atto" in known
    assert all(map(library.is_known, known[:100]))
