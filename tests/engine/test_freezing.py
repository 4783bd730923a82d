"""Frozen encoders: what learns, what stays, and what is said about it."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.networks import NETWORKS, NO_ENCODER
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.optimization.freezing import check_freezing, training_mode
from geoseg.models.catalog import build_network
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.head = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))

    def forward(self, image):
        return self.head(self.encoder(image))


def learn(network, *, frozen):
    """Do a step and return the names of what it has changed."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    with training_mode(network, frozen=frozen):
        network(torch.linspace(-1, 5, 32).reshape(2, 1, 4, 4)).square().sum().backward()
        optimizer.step()
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_a_frozen_encoder_keeps_weights_and_statistics_while_the_rest_learns():
    network = Small()
    assert learn(network, frozen=True) == {name for name in network.state_dict() if name.startswith("head.")}
    assert learn(network, frozen=False) == set(network.state_dict())


def test_a_frozen_encoder_drops_nothing():
    network, seen = Small(), []
    network.head.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach().clone()))
    learn(network, frozen=True)
    learn(network, frozen=True)
    assert torch.equal(*seen)


def test_what_never_learns_does_not_thaw():
    network = Small()
    network.encoder[0].bias.requires_grad_(False)
    learn(network, frozen=True)
    assert [name for name, part in network.named_parameters() if not part.requires_grad] == ["encoder.0.bias"]


def test_it_thaws_where_training_fails():
    network = Small()
    with pytest.raises(ValueError, match="failed"), training_mode(network, frozen=True):
        assert not any(part.requires_grad for part in network.encoder.parameters())
        raise ValueError("failed")
    assert all(part.requires_grad for part in network.parameters())


@pytest.mark.parametrize("network", [one for one in NETWORKS if one.encoder != NO_ENCODER], ids=lambda one: one.name)
def test_of_every_network_the_encoder_alone_is_frozen(network):
    # SegFormer's encoder looks at numbers while it is built, which weights without memory do not have.
    with torch.device("cpu" if network.name == "segformer" else "meta"):
        built = build_network(network.name, network.encoder, 3, 2, tried=True)
    inside = {id(part) for part in built.encoder.modules()}
    learnt = {name for name, part in built.named_parameters() if part.requires_grad}
    with training_mode(built.eval(), frozen=True):
        assert all(part.training == (id(part) not in inside) for part in built.modules())
        left = {name for name, part in built.named_parameters() if part.requires_grad}
        assert left == {name for name in learnt if not name.startswith("encoder.")}
        assert left
    assert {name for name, part in built.named_parameters() if part.requires_grad} == learnt


def ask(architecture="unet", epochs=2, **options):
    return TrainSegmentation(
        dataset="d", model="m.safetensors", architecture=architecture, frozen_epochs=epochs, **options
    )


@pytest.mark.parametrize("name", [one.name for one in NETWORKS if one.encoder == NO_ENCODER])
def test_a_network_without_encoder_is_refused(name, recorder):
    with pytest.raises(RequestError, match=f"FROZEN_EPOCHS is 2, but {name} has no encoder") as raised:
        check_freezing(ask(name), "imagenet", recorder)
    assert "FROZEN_EPOCHS to 0" in raised.value.fix
    check_freezing(ask(name, 0), "none", recorder)
    assert not recorder.warnings


@pytest.mark.parametrize(("epochs", "weights", "warned"), [(2, "none", 1), (2, "imagenet", 0), (0, "none", 0)])
def test_a_frozen_encoder_of_random_weights_is_warned_of(epochs, weights, warned, recorder):
    check_freezing(ask(epochs=epochs), weights, recorder)
    assert len(recorder.warnings) == warned
    assert all(
        "frozen for 2 epochs, but its weights are random (WEIGHTS is auto)" in text for text in recorder.warnings
    )
