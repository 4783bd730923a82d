"""Encoders without memory, and without filling it: their shapes are known at once."""

import contextlib
import functools
from unittest.mock import patch

import torch
from geoseg.geoseg_plugin.contract.networks import ENCODERS, INCLUDED, NETWORKS, NO_ENCODER
from geoseg.models import library, weights
from geoseg.models.adaptation import repeat_kernels
from geoseg.models.encoder_fit import fitting_encoders

# One of each family, the smallest; tests/real takes them all.
FAMILIES = (
    "resnet18", "se_resnext50_32x4d", "tu-regnety_032", "mobilenet_v2", "timm-mobilenetv3_large_100",
    INCLUDED, "efficientnet-b0", "densenet121", "vgg16_bn", "tu-convnext_tiny", "mit_b0",
)  # fmt: skip
VISION_TRANSFORMERS = tuple(name for name in ENCODERS if name.startswith("tu-vit_"))
WITH_ENCODER = tuple(network.name for network in NETWORKS if network.encoder != NO_ENCODER)
_DILATED = ("pan", "deeplabv3", "deeplabv3plus", "gscnn")
_WITHOUT_MIX_TRANSFORMERS = ("unetplusplus", "linknet")
_BANDS = 4


@contextlib.contextmanager
def on_paper():
    """Build what is built here without memory."""
    # What the mix transformers count with, they must have.
    counting = patch.object(torch, "linspace", functools.partial(torch.linspace, device="cpu"))
    with counting, torch.device("meta"):
        yield


def encoder_of(name, bands):
    """Return an encoder, also one of those that DPT alone takes."""
    return (
        library.build("dpt", name, bands, 2).encoder
        if name in VISION_TRANSFORMERS
        else library.build_encoder(name, bands)
    )


def _can_be_built(name, **options):
    try:
        library.build_encoder(name, 3, **options)
    except (ValueError, AssertionError, TypeError):
        return False
    return True


def assert_as_the_table_has_it(encoder):
    """Check that the list's size of an encoder, and the networks it fits, are as the libraries have them."""
    with on_paper():
        values = encoder_of(encoder, 3).parameters()
        assert sum(one.numel() for one in values if one.requires_grad) == ENCODERS[encoder]
        plain, dilated = _can_be_built(encoder), _can_be_built(encoder, output_stride=16)
    for architecture in WITH_ENCODER:
        fits = plain == (architecture != "dpt")
        fits &= architecture not in _DILATED or dilated
        fits &= architecture not in _WITHOUT_MIX_TRANSFORMERS or not encoder.startswith("mit_")
        assert fits == (encoder in fitting_encoders(architecture)), architecture


def assert_takes_other_bands(encoder):
    """Check that weights of three bands get the shapes for four when they are adapted."""

    def build(_architecture, name, bands, _classes, *, tried):
        network = torch.nn.Module()
        network.encoder = encoder_of(name, bands)
        return network

    design = weights.Design("unet", encoder, tuple("abcd"), ("no", "yes"))
    with on_paper(), patch.object(weights, "build_network", build):
        state, network = encoder_of(encoder, 3).state_dict(), build("unet", encoder, _BANDS, 2, tried=True)
        weights._fit_bands(state, network, design, lambda kernels: repeat_kernels(kernels, _BANDS))
    wanted = {name: values.shape for name, values in network.encoder.state_dict().items()}
    assert {name: values.shape for name, values in state.items()} == wanted
