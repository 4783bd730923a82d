"""Weights that others have published: where they are, and how they come into an encoder."""

import re

import pytest
import timm
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError, RequestError
from geoseg.geoseg_plugin.contract.networks import ENCODERS
from geoseg.models import library
from geoseg.models.published_weights import _place, _place_of_timm, fetch_imagenet, name_in_timm, read_as_timm
from geoseg.tests.engine.on_paper import on_paper
from httpx2 import ConnectError


@pytest.fixture
def unreachable(monkeypatch):
    def fail(*_, **__):
        raise ConnectError("No connection.")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", fail)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("It tried again and again."))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)


@pytest.mark.parametrize(
    ("encoder", "timm_name", "repository"),
    [
        ("resnet18", None, "smp-hub/resnet18.imagenet"),
        ("timm-mobilenetv3_large_100", "tf_mobilenetv3_large_100", "timm/tf_mobilenetv3_large_100.in1k"),
        ("tu-resnet18.a1_in1k", "resnet18.a1_in1k", "timm/resnet18.a1_in1k"),
        ("dpn92", None, "smp-hub/dpn92.imagenet-5k"),
    ],
)
def test_offline_the_user_hears_which_file_to_bring(encoder, timm_name, repository, unreachable, recorder):
    with pytest.raises(GeosegError, match=f"weights of {encoder} cannot be downloaded: No connection") as caught:
        fetch_imagenet(encoder, timm_name, recorder)
    (note,) = recorder.notes
    assert note.startswith(f"Downloading the imagenet weights of {encoder}, once: https://huggingface.co/{repository}")
    (url,) = re.findall(r"https://huggingface\.co/\S+/resolve/\S+/model\.safetensors", caught.value.fix)
    assert note.endswith(url)


def test_what_is_in_the_cache_is_not_downloaded(unreachable, recorder, monkeypatch):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: "/cache/model.safetensors")
    assert fetch_imagenet("resnet18", None, recorder) == "/cache/model.safetensors"
    assert recorder.notes == []


@pytest.mark.parametrize(
    ("encoder", "timm_name"), [("resnext101_32x48d", None), ("tu-cspresnet50d", "cspresnet50d")]
)  # fmt: skip
def test_weights_that_nobody_has_published(encoder, timm_name, recorder):
    with pytest.raises(RequestError, match=f"no imagenet weights of {encoder}"):
        fetch_imagenet(encoder, timm_name, recorder)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_weights_of_the_whole_list_are_published(encoder):
    old = {"timm-mobilenetv3_large_100": "tu-tf_mobilenetv3_large_100"}.get(encoder, encoder)
    timm_name = old.removeprefix(library.TIMM) if old.startswith(library.TIMM) else None
    place = _place(encoder) if timm_name is None else _place_of_timm(timm_name)
    assert re.fullmatch(r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/\w+/model\.safetensors", place.url)


def test_which_encoders_are_from_timm():
    assert name_in_timm(library.build_encoder("resnet18", 3)) is None
    assert name_in_timm(library.build_encoder("timm-mobilenetv3_large_100", 3)) == "tf_mobilenetv3_large_100"
    assert name_in_timm(library.build("dpt", "tu-vit_tiny_patch16_224", 3, 2).encoder) == "vit_tiny_patch16_224"


@pytest.mark.parametrize(
    "name",
    [
        "resnest14d", "regnetx_002", "convnext_atto", "vit_tiny_patch16_224", "tf_mobilenetv3_small_100",
        "mobilenetv4_conv_small", "repvit_m0_9",
    ],
)  # fmt: skip
def test_a_classifier_of_timm_gives_all_that_its_encoder_has(name):
    with on_paper():
        classifier = timm.create_model(name).state_dict()
        vision = name.startswith("vit_")
        encoder = library.build("dpt", f"tu-{name}", 3, 2).encoder if vision else library.build_encoder(f"tu-{name}", 3)
        wanted = encoder.state_dict()
        found = read_as_timm(name, wanted, classifier)
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in wanted.items()}


def test_its_values_come_where_they_belong():
    classifier = timm.create_model("convnext_atto").eval()
    encoder = library.build_encoder("tu-convnext_atto", 3).eval()
    encoder.load_state_dict(read_as_timm("convnext_atto", encoder.state_dict(), classifier.state_dict()))
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(image)[-1], classifier.stages(classifier.stem(image)))


def test_names_of_the_authors_are_understood():
    classifier = timm.create_model("convnext_atto").state_dict()
    authors = {}
    changes = {
        r"^stem\.": "downsample_layers.0.", r"^(stages\.(\d))\.downsample": r"downsample_layers.\2",
        r"\.blocks\.": ".", "conv_dw": "dwconv", r"mlp\.fc": "pwconv", r"head\.norm": "norm", r"head\.fc": "head",
    }  # fmt: skip
    for name, values in classifier.items():
        old = name
        for pattern, replacement in changes.items():
            old = re.sub(pattern, replacement, old)
        authors[old] = values
    wanted = library.build_encoder("tu-convnext_atto", 3).state_dict()
    found = read_as_timm("convnext_atto", wanted, authors)
    assert found.keys() == wanted.keys()
    assert torch.equal(found["model.stem_0.weight"], classifier["stem.0.weight"])


@pytest.mark.parametrize(
    ("given", "name"), [("convnext_small", "convnext_tiny"), ("resnet14t", "resnet10t"), ("resnet18", "resnet10t")]
)
def test_other_weights_do_not_fit(given, name):
    with on_paper():
        wanted = library.build_encoder(f"tu-{name}", 3).state_dict()
        larger = timm.create_model(given).state_dict()
        with pytest.raises(RuntimeError, match=r"size mismatch|Unexpected"):
            read_as_timm(name, wanted, larger)


def test_a_classifier_of_other_classes_will_do():
    classifier = timm.create_model("resnet10t", num_classes=7).state_dict()
    wanted = library.build_encoder("tu-resnet10t", 3).state_dict()
    assert read_as_timm("resnet10t", wanted, classifier).keys() == wanted.keys()
