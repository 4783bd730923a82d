"""Batch normalisation that goes into the convolutions before it, which saves a pass over all that they find."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_TOLERANCE = 1e-3  # of the largest logit


def fold_normalisation(network: nn.Module, sample: torch.Tensor) -> None:
    """Fold what can be folded, in place; the network answers as before, but for rounding.

    What follows on what is seen with a sample. A network that then answers otherwise is left as it was, such as one
    that needs the results of a convolution both with normalisation and without.

    Args:
        network: In evaluation mode.
        sample: Windows (N, C, H, W) float32 to try it with, on its device.
    """
    with torch.no_grad():  # weights made in inference mode would be good for nothing else, such as autocast
        before, pairs = _watch(network, sample)
        replaced = {name: network.get_submodule(name) for pair in pairs for name in pair}
        for convolution, normalisation in pairs:
            fused = fuse_conv_bn_eval(replaced[convolution], replaced[normalisation])
            network.set_submodule(convolution, fused)
            network.set_submodule(normalisation, nn.Identity())
        after = network(sample)
    if not torch.allclose(after, before, rtol=0.0, atol=_TOLERANCE * float(before.abs().max())):
        for name, module in replaced.items():
            network.set_submodule(name, module)


def _watch(network: nn.Module, sample: torch.Tensor) -> tuple[torch.Tensor, list[tuple[str, str]]]:
    """Return what a network makes of a sample, and the names of convolutions with that of the normalisation after it.

    Those that work more than once are left out.
    """
    found: dict[int, tuple[str, torch.Tensor]] = {}  # by id, with the tensors, so that no other gets the id of one
    calls, pairs = Counter[str](), []

    def after_convolution(name: str, result: torch.Tensor) -> None:
        calls[name] += 1
        found[id(result)] = name, result

    def before_normalisation(name: str, given: torch.Tensor) -> None:
        calls[name] += 1
        if id(given) in found:
            pairs.append((found[id(given)][0], name))

    hooks = []
    for name, module in network.named_modules():
        if type(module) is nn.Conv2d:
            hooks.append(module.register_forward_hook(lambda _, __, result, name=name: after_convolution(name, result)))
        elif type(module) is nn.BatchNorm2d and module.running_mean is not None:
            hooks.append(
                module.register_forward_pre_hook(lambda _, given, name=name: before_normalisation(name, given[0]))
            )
    try:
        logits = network(sample)
    finally:
        for hook in hooks:
            hook.remove()
    return logits, [pair for pair in pairs if calls[pair[0]] == calls[pair[1]] == 1]
