"""Networks that torch runs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .....models.card import Card
from .....models.file import load_network
from ....contract.stages.prediction_parts.machine import TORCH
from ....contract.stages.training_parts.machine import FLOAT32
from ...device import choose_device, describe_device
from .runtime import Network

_CPU_BATCH = 1
_GPU_BATCH_LIMIT = 64


class TorchNetwork(Network):
    """A network in torch.

    Attributes:
        module: The network itself.

    Args:
        module: In evaluation mode, on `device`.
        card: What the model is.
        device: Where it runs.
        batch_size: Windows at a time.
    """

    backend = TORCH

    def __init__(self, module: torch.nn.Module, card: Card, device: torch.device, batch_size: int) -> None:
        super().__init__(card, describe_device(device), FLOAT32, batch_size)
        self.module = module.to(memory_format=torch.channels_last)
        self._device = device

    def _infer(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                batch = torch.from_numpy(windows).to(self._device).contiguous(memory_format=torch.channels_last)
                logits: NDArray[np.float32] = self.module(batch).float().contiguous().cpu().numpy()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise MemoryError from error
        return logits


def open_torch_network(path: str, device: str, batch_size: int, tile_size: int) -> TorchNetwork:
    """Load a .safetensors model; see `runtime.open_network`."""
    chosen = choose_device(device)
    module, card = load_network(path, chosen)
    return TorchNetwork(module, card, chosen, batch_size or _batch_size(chosen, tile_size or card.tile_size))


def _batch_size(device: torch.device, tile_size: int) -> int:
    """Return one window on the CPU; on a GPU one of 512 x 512 pixels per GiB, which most networks take."""
    if device.type == "cpu":
        return _CPU_BATCH
    gibibytes = torch.cuda.get_device_properties(device).total_memory / 2**30
    return max(1, min(_GPU_BATCH_LIMIT, int(gibibytes * (512 / tile_size) ** 2)))
