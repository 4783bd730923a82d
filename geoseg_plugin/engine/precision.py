"""The number formats that networks compute in."""

from __future__ import annotations

import torch

from ..contract.events import Report
from ..contract.stages.training_parts.machine import BFLOAT16, FLOAT16, FLOAT32

_CPU_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")
# Those that hand their weights to operators that autocast runs in half precision, and use them for nothing else:
# https://docs.pytorch.org/docs/stable/amp.html.
_CAST_LAYERS = (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear)
_HALF = {BFLOAT16: torch.bfloat16, FLOAT16: torch.float16}


def processor_has_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16; without them it is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _CPU_INSTRUCTIONS)


def warn_if_slow(precision: str, device: torch.device, report: Report) -> None:
    """Warn of a precision that was asked for, and that processors only imitate."""
    imitated = precision == FLOAT16 or (precision == BFLOAT16 and not processor_has_bfloat16())
    if device.type == "cpu" and imitated:
        report.warn(f"PRECISION {precision} is slow on this processor. Set it to auto, or to {FLOAT32}.")


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which a network computes in a precision, whatever its weights have.

    Args:
        device: Where the network is.
        precision: "float32", "bfloat16" or "float16".
    """
    return torch.autocast(device.type, _HALF.get(precision, torch.bfloat16), enabled=precision in _HALF)


def cast_weights(network: torch.nn.Module, precision: str) -> None:
    """Give a network that is no longer trained, in place, the weights to which `autocast` would turn them every time.

    It answers the same, in three quarters of the time on a processor. Other layers stay in float32.

    Args:
        network: In evaluation mode.
        precision: "float32", "bfloat16" or "float16".
    """
    for layer in network.modules() if precision in _HALF else ():
        if type(layer) in _CAST_LAYERS:
            layer.to(_HALF[precision])


def gradient_scaler(device: torch.device, precision: str) -> torch.amp.GradScaler:
    """Return what keeps the gradients of float16 from vanishing; in other precisions it does nothing.

    Source: Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740.
    """
    return torch.amp.GradScaler(device.type, enabled=precision == FLOAT16)
