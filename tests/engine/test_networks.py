"""Every network of the catalogue: its size, and that it learns with all it has."""

import copy
import re

import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.networks import NETWORK
from geoseg.geoseg_plugin.engine.training.trial import step
from geoseg.models.catalog import build_network, smallest_tile, training_loss
from geoseg.models.losses.loss import LossSettings, SummedLoss
from geoseg.tests.engine.overfitting import overfit
from torch.utils.flop_counter import FlopCounterMode

pytestmark = pytest.mark.usefixtures("one_thread")

# What learns nothing: the half of its encoder that PSPNet does not take, and which segmentation-models-pytorch keeps;
# and biases of PAN that a normalisation takes away again.
UNUSED = {
    "pspnet": r"encoder\.layer[34]\..*",
    "pan": r"decoder\.fpa\.(down\d\.\d|conv\d)\.conv\.bias",
}


def _build(name, bands=3, classes=2):
    torch.manual_seed(0)
    return build_network(name, NETWORK[name].encoder, bands, classes)


@pytest.fixture(scope="module", params=NETWORK)
def built(request):
    """Every network for 3 bands and 2 classes, after its name; tests that change it work on a copy."""
    return request.param, _build(request.param)


def _training_loss(network):
    return training_loss(network, SummedLoss(LossSettings(parse_losses("cross entropy + dice"))))


def _batch(name, bands, classes):
    """Return two odd-sized images and their labels."""
    random = torch.Generator().manual_seed(1)
    height, width = smallest_tile(name) - 1, smallest_tile(name) + 18
    images = torch.randn(2, bands, height, width, generator=random)
    return images, torch.randint(-1, classes, (2, height, width), generator=random)


def _count_operations(network):
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        copy.deepcopy(network).to("meta").eval()(torch.empty(1, 3, 256, 256, device="meta"))
    return counted.get_total_flops()


@pytest.fixture(scope="module")
def operations_of_unet():
    return _count_operations(_build("unet"))


def test_the_size_that_users_are_told_is_true(built):
    name, network = built
    assert sum(part.numel() for part in network.parameters() if part.requires_grad) == NETWORK[name].parameters


def test_networks_that_compute_twice_as_much_as_unet_are_called_slow(built, operations_of_unet):
    name, network = built
    assert ("slow" in NETWORK[name].advice) == (_count_operations(network) > 2 * operations_of_unet)


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


def test_it_learns_with_all_it_has_from_odd_sizes(built):
    name, network = built
    _assert_learns(name, copy.deepcopy(network), 3, 2)


@pytest.mark.parametrize("bands", [1, 13])
@pytest.mark.parametrize("name", ["unet", "segformer", "lw-refinenet", "gscnn", "satellite-unet"])
def test_it_learns_from_any_bands(name, bands):
    _assert_learns(name, _build(name, bands, 3), bands, 3)


def _assert_learns(name, network, bands, classes):
    images, labels = _batch(name, bands, classes)
    loss, unused = _training_loss(network), re.compile(UNUSED.get(name, ""))
    for _ in range(4):
        step(network, loss, images, labels, "float32")
        learning = {key: part.grad for key, part in network.named_parameters() if not unused.fullmatch(key)}
        idle = [key for key, gradient in learning.items() if gradient is None or not gradient.any()]
        if not idle:
            break  # Transformers leave out some of their blocks in each step.
    assert idle == []
    assert all(gradient.isfinite().all() for gradient in learning.values())
    with torch.inference_mode():
        logits = network.eval()(images[:1])
    assert logits.shape == (1, classes, *images.shape[2:])
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_in_bfloat16_and_any_memory_order_it_learns_alike(built):
    name, network = built
    images, labels = _batch(name, 3, 2)
    ordered = images.to(memory_format=torch.channels_last)
    one, twin = copy.deepcopy(network), copy.deepcopy(network).to(memory_format=torch.channels_last)
    torch.manual_seed(0)
    with torch.no_grad():
        wanted = _training_loss(one)(one(images), labels).item()
    torch.manual_seed(0)
    assert step(twin, _training_loss(twin), ordered, labels, "bfloat16").item() == pytest.approx(wanted, rel=0.05)
    assert all(part.grad.isfinite().all() for part in twin.parameters() if part.grad is not None)


@pytest.mark.data
def test_two_real_tiles_are_learnt_by_heart(data):
    """All others are tested with `make test-real`, as ONNX of every network is: this takes long."""
    assert overfit("pspnet", data, 0.95)[0] > 0.95
