"""The MobileNetV2 of Light-Weight RefineNet, and how it takes the weights of the usual one."""

import copy

import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from geoseg.models.mobilenet_v2 import MobileNetV2

TAPS = (3, 6, 10, 13, 16, 17)


@pytest.fixture
def usual():
    """The usual MobileNetV2 with weights as if trained."""
    torch.manual_seed(0)
    network = smp.encoders.get_encoder("mobilenet_v2", weights=None)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias)
            torch.nn.init.normal_(part.running_mean)
            torch.nn.init.uniform_(part.running_var, 0.5, 2)
    return network


def _features(usual, image):
    taken = []
    for number, block in enumerate(usual.features):
        image = block(image)
        if number in TAPS:
            taken.append(image)
    return taken


@pytest.mark.parametrize("bands", [1, 3, 13])
def test_it_gives_the_features_of_all_widths(bands):
    features = MobileNetV2(bands).eval()(torch.zeros(1, bands, 64, 96))
    assert [tuple(one.shape[1:]) for one in features] == [
        (24, 16, 24), (32, 8, 12), (64, 4, 6), (96, 4, 6), (160, 2, 3), (320, 2, 3),
    ]  # fmt: skip


def test_the_first_block_widens_too():
    ours = sum(part.numel() for part in MobileNetV2(3).parameters())
    usual = sum(part.numel() for part in torchvision.models.mobilenet_v2(weights=None).features[:-1].parameters())
    assert ours == usual + 32 * 32 + 2 * 32


def test_weights_of_the_usual_one_give_its_features(usual):
    encoder, image = MobileNetV2(3).eval(), torch.randn(1, 3, 64, 96)
    encoder.load_state_dict(usual.state_dict())
    with torch.inference_mode():
        for ours, wanted in zip(encoder(image), _features(usual.eval(), image), strict=True):
            torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-4)


def test_in_training_too_the_added_convolution_passes_on_what_it_gets(usual):
    encoder = MobileNetV2(3).train()
    encoder.load_state_dict(usual.state_dict())
    with torch.no_grad():
        stem = encoder.features[0](torch.randn(4, 3, 128, 128))
        passed = encoder.features[1].conv[0](stem)
    assert (passed - stem).abs().mean() < 0.02 * stem.std()


def test_weights_of_torchvision_fit_with_their_classifier():
    weights = torchvision.models.mobilenet_v2(weights=None).state_dict()
    encoder = copy.deepcopy(MobileNetV2(3))
    encoder.load_state_dict(weights)
    assert torch.equal(encoder.features[1].conv[2].weight, weights["features.1.conv.1.weight"])
    assert "classifier.1.weight" in weights


def test_its_own_weights_are_left_as_they_are():
    torch.manual_seed(0)
    whole = torch.nn.ModuleDict({"encoder": MobileNetV2(2)})
    other = torch.nn.ModuleDict({"encoder": MobileNetV2(2)})
    other.load_state_dict(whole.state_dict())
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in whole.state_dict().items())


def test_weights_of_the_usual_one_fit_inside_a_network(usual):
    whole = torch.nn.ModuleDict({"encoder": MobileNetV2(3)})
    whole.load_state_dict({f"encoder.{name}": tensor for name, tensor in usual.state_dict().items()})
    assert torch.equal(whole["encoder"].features[17].conv[3].bias, usual.features[17].conv[3].bias)


def test_other_weights_are_refused():
    with pytest.raises(RuntimeError, match="Missing key"):
        MobileNetV2(3).load_state_dict(smp.encoders.get_encoder("resnet18", weights=None).state_dict())
