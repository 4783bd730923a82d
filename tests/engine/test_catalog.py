"""Every network that is offered can be built, and weights get where they belong."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import GeosegError, ModelError, RequestError
from geoseg.geoseg_plugin.contract.stages.training import ARCHITECTURES, ENCODERS
from geoseg.models import catalog
from geoseg.models.card import Band, Card
from geoseg.models.catalog import build_network, fitting_encoders, network_side, smallest_tile
from geoseg.models.file import save_model
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_catalog_says_what_the_library_can_build(architecture):
    import segmentation_models_pytorch as smp

    for encoder in ENCODERS:
        name = catalog._CURRENT_NAMES.get(encoder, encoder)
        try:
            # The meta device saves the filling with random numbers; the mix transformers cannot be made on it.
            with torch.device("cpu" if name.startswith("mit") else "meta"):
                smp.create_model(architecture, name, encoder_weights=None, classes=2)
            builds = True
        except ValueError:
            builds = False
        assert builds == (encoder in fitting_encoders(architecture)), encoder


def test_network_side_is_the_next_multiple_of_32():
    assert [network_side(n) for n in (1, 32, 33, 500)] == [32, 32, 64, 512]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_gives_logits_of_the_image_size(architecture):
    network = build_network(architecture, "mobilenet_v2", 5, 3, "none").eval()
    side = smallest_tile(architecture)
    with torch.inference_mode():
        assert network(torch.zeros(1, 5, side, side + 32)).shape == (1, 3, side, side + 32)


@pytest.mark.parametrize("encoder", ["resnet18", "timm-mobilenetv3_large_100", "densenet121", "mit_b0"])
@pytest.mark.parametrize("bands", [1, 4])
def test_weights_of_another_band_count_are_adapted(encoder, bands, tmp_path):
    source = build_network("unet", encoder, 3, 2, "none")
    path = tmp_path / "encoder.safetensors"
    save_file(source.encoder.state_dict(), path)
    adapted = build_network("fpn", encoder, bands, 2, str(path))
    stem = catalog._first_convolution(source.encoder)
    given, got = source.encoder.state_dict(), adapted.encoder.state_dict()
    assert all(torch.equal(given[name], got[name]) for name in given if name != stem)
    assert got[stem].shape[1] == bands
    # A grey image must cause what it caused before.
    assert torch.equal(got[stem][:, 0], given[stem][:, 0] * 3 / bands)
    if bands == 4:
        assert torch.equal(got[stem][:, 3], got[stem][:, 0])


def test_a_model_gives_its_encoder_to_another_architecture(tmp_path):
    source = build_network("unet", "resnet18", 3, 2, "none")
    bands = tuple(Band(name, 0, 1) for name in "rgb")
    card = Card("unet", "resnet18", bands, "uint8", ClassTable.named({0: "no", 1: "yes"}), 255, 256, (1, 1))
    path = str(tmp_path / "model.safetensors")
    save_model(path, source.state_dict(), card)
    taught = build_network("linknet", "resnet18", 3, 4, path)
    given, got = source.encoder.state_dict(), taught.encoder.state_dict()
    assert all(torch.equal(given[name], got[name]) for name in given)
    with pytest.raises(ModelError, match="has the encoder resnet18, not resnet34") as caught:
        build_network("unet", "resnet34", 3, 2, path)
    assert "resnet18" in caught.value.fix


def test_weights_in_timms_own_names_fit(tmp_path):
    import timm

    source = timm.create_model("tf_mobilenetv3_large_100")
    path = tmp_path / "timm.safetensors"
    save_file(source.state_dict(), path)
    got = build_network("unet", "timm-mobilenetv3_large_100", 3, 2, str(path)).encoder.state_dict()
    assert torch.equal(got["model.conv_stem.weight"], source.state_dict()["conv_stem.weight"])


def test_misfits_say_what_fits(tmp_path):
    with pytest.raises(RequestError, match="does not fit deeplabv3") as caught:
        build_network("deeplabv3", "vgg16_bn", 3, 2, "none")
    assert "resnet18" in caught.value.fix
    with pytest.raises(RequestError, match="not known"):
        build_network("unet", "resnet19", 3, 2, "none")
    with pytest.raises(RequestError, match="not known"):
        build_network("segnet", "resnet18", 3, 2, "none")
    path = tmp_path / "encoder.safetensors"
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(ModelError, match="do not fit the encoder resnet18"):
        build_network("unet", "resnet18", 3, 2, str(path))


@pytest.mark.parametrize("weights", ["imagenets", "absent.safetensors"])
def test_weights_that_are_no_file_are_named(weights):
    with pytest.raises(RequestError, match=f"WEIGHTS is '{weights}', which is neither none, imagenet nor an existing"):
        build_network("unet", "resnet18", 3, 2, weights)


@pytest.mark.parametrize("encoder", ["resnet18", "timm-mobilenetv3_large_100"])
def test_offline_imagenet_says_which_file_to_bring(encoder, monkeypatch):
    def fail(*_, **__):
        raise LocalEntryNotFoundError("No connection.")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(GeosegError, match="cannot be downloaded: No connection") as caught:
        build_network("unet", encoder, 3, 2, "imagenet")
    assert "https://huggingface.co/" in caught.value.fix
    assert "model.safetensors" in caught.value.fix
