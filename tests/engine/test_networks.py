"""Every network of the catalogue: its size, that it learns with all it has, and that its ONNX answers alike."""

import copy

import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.networks import NETWORK, NETWORKS
from geoseg.geoseg_plugin.engine.training.trial import step
from geoseg.models.catalog import build_network, smallest_tile, training_loss
from geoseg.models.losses.loss import LossSettings, build_loss
from geoseg.tests.engine.exporting import assert_exports
from geoseg.tests.engine.overfitting import overfit

# PSPNet takes only half of its encoder; segmentation-models-pytorch keeps the rest.
UNUSED = {"pspnet": ("encoder.layer3.", "encoder.layer4.")}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _build(name, bands=3, classes=2):
    torch.manual_seed(0)
    return build_network(name, NETWORK[name].encoder, bands, classes)


def _training_loss(network):
    return training_loss(network, build_loss(LossSettings(parse_losses("cross entropy + dice"))))


def _batch(name, bands, classes):
    """Return two odd-sized images and their labels."""
    random = torch.Generator().manual_seed(1)
    height, width = smallest_tile(name) + 1, smallest_tile(name) + 38
    images = torch.randn(2, bands, height, width, generator=random)
    return images, torch.randint(-1, classes, (2, height, width), generator=random)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_size_that_users_are_told_is_true(network):
    learnt = sum(part.numel() for part in _build(network.name).parameters() if part.requires_grad)
    assert learnt == network.parameters


# Sizes known from elsewhere; all but that of Light-Weight RefineNet include the moments of normalisations.
@pytest.mark.parametrize(
    ("name", "classes", "numbers", "moments"),
    [
        ("cloudxnet", 1, 19_513_905, True),
        ("satellite-unet", 1, 1_617_441, True),
        ("slump-unet", 5, 31_390_725, True),
        ("lw-refinenet", 2, 3_240_770, False),
    ],
)
def test_sizes_are_those_of_the_originals(name, classes, numbers, moments):
    network = _build(name, 3, classes)
    learnt = sum(part.numel() for part in network.parameters())
    kept = sum(part.numel() for part in network.buffers() if part.ndim)
    assert learnt + moments * kept == numbers


@pytest.mark.parametrize("bands", [1, 3, 13])
@pytest.mark.parametrize("name", NETWORK)
def test_it_learns_with_all_it_has_from_odd_sizes_and_any_bands(name, bands):
    network = _build(name, bands, 3)
    images, labels = _batch(name, bands, 3)
    loss, unused = _training_loss(network), UNUSED.get(name, ())
    for _ in range(4):
        step(network, loss, images, labels, "float32")
        learning = {key: part.grad for key, part in network.named_parameters() if not key.startswith(unused)}
        # A bias that a normalisation takes away again learns nothing.
        idle = [key for key, gradient in learning.items() if not gradient.any() and not key.endswith(".bias")]
        if not idle:
            break  # Transformers leave out some of their blocks in each step.
    assert idle == []
    assert all(gradient.isfinite().all() for gradient in learning.values())
    with torch.inference_mode():
        logits = network.eval()(images[:1])
    assert logits.shape == (1, 3, *images.shape[2:])
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", NETWORK)
def test_in_bfloat16_and_any_memory_order_it_learns_alike(name):
    images, labels = _batch(name, 3, 2)
    network, losses = _build(name), []
    for precision, order in (("float32", torch.contiguous_format), ("bfloat16", torch.channels_last)):
        torch.manual_seed(0)
        one = copy.deepcopy(network).to(memory_format=order)
        losses.append(step(one, _training_loss(one), images.to(memory_format=order), labels, precision).item())
        assert all(part.grad.isfinite().all() for part in one.parameters() if part.grad is not None)
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize("name", ["satellite-unet", "slump-unet"])
def test_onnx_answers_alike(name, tmp_path):
    """The others are tested with `make test-real`: this takes long."""
    assert_exports(name, tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("name", ["satellite-unet", "pspnet"])
def test_two_real_tiles_are_learnt_by_heart(name, data):
    """The others are tested with `make test-real`: this takes long."""
    assert overfit(name, data, 0.95)[0] > 0.95
