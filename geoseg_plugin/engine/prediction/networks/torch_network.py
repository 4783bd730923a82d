"""Networks that torch runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from .....models.card import Card
from .....models.catalog import network_side
from .....models.file import load_network
from .....models.memory import release_memory, within_memory
from ....contract.events import Report
from ....contract.stages.prediction_parts.machine import TORCH
from ....contract.stages.training_parts.machine import AUTO, FLOAT32
from ...device import choose_device, describe_device
from ...precision import autocast, cast_weights, warn_if_slow
from .folding import fold_normalisation
from .gpu_lane import GpuAnswer, GpuLane
from .network import Network
from .runtime import Runtime

_SAMPLE_SIDE = 128  # pixels
_CPU_BATCH = 1
_GPU_BATCH_LIMIT = 64

_T = TypeVar("_T")


class TorchNetwork(Network):
    """A network in torch.

    On a GPU the answers are probabilities that are still on their way; on a CPU they are logits.

    Attributes:
        module: The network itself.

    Args:
        module: In evaluation mode, on `device`.
        card: What the model is.
        device: Where it runs.
        batch_size: Windows at a time.
        precision: "float32", "bfloat16" or "float16".
    """

    backend = TORCH

    def __init__(
        self, module: torch.nn.Module, card: Card, device: torch.device, batch_size: int, precision: str = FLOAT32
    ) -> None:
        super().__init__(card, describe_device(device), precision, batch_size)
        cast_weights(module, precision)
        self.module = module.to(memory_format=torch.channels_last)
        self._device = device
        self._lane = GpuLane(device) if device.type == "cuda" else None

    def begin(self, windows: Sequence[NDArray[np.float32]]) -> list[Any]:
        """Put windows through the network; on a GPU return before it has answered."""
        lane = self._lane
        if lane is None:
            return super().begin(windows)
        batches = self._in_batches(
            np.stack(windows), lambda batch: self._catch(lambda: lane.send(self._forward, batch))
        )
        return [answer for batch in batches for answer in batch]

    def probabilities(self, answer: Any) -> NDArray[np.float32]:
        """Turn one answer into probabilities (K, H, W) float32; wait for one that is still on its way."""
        if not isinstance(answer, GpuAnswer):
            return super().probabilities(answer)
        probabilities, seconds = answer.wait()
        self.seconds += seconds
        return probabilities

    def _infer(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        def run() -> NDArray[np.float32]:
            logits: NDArray[np.float32] = self._forward(torch.from_numpy(windows).to(self._device)).cpu().numpy()
            return logits

        return self._catch(run)

    def _forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K, H, W) float32 for windows (N, C, H, W) that are on the device."""
        with torch.inference_mode(), autocast(self._device, self.precision):
            logits: torch.Tensor = self.module(batch.contiguous(memory_format=torch.channels_last))
            return logits.float().contiguous()

    def _catch(self, run: Callable[[], _T]) -> _T:
        """Return what `run` does; raise MemoryError where memory is short."""
        given = within_memory(run)
        if given is None:
            release_memory(self._device)
            raise MemoryError
        return given


def open_torch_network(path: str, runtime: Runtime, report: Report) -> TorchNetwork:
    """Load a .safetensors model; see `runtime.open_network`."""
    chosen = choose_device(runtime.device)
    precision = FLOAT32 if runtime.precision == AUTO else runtime.precision
    warn_if_slow(precision, chosen, report)
    module, card = load_network(path, chosen)
    fold_normalisation(module, _sample(card, chosen))
    if chosen.type == "cuda":
        torch.backends.cudnn.benchmark = True  # all windows have one size
    size = runtime.batch_size or _batch_size(chosen, runtime.tile_size or card.tile_size)
    return TorchNetwork(module, card, chosen, size, precision)


def _sample(card: Card, device: torch.device) -> torch.Tensor:
    """Return a window of noise (1, C, H, W), as small as the network may have to take."""
    side = network_side(min(card.tile_size, _SAMPLE_SIDE))
    noise = torch.randn(1, len(card.bands), side, side, generator=torch.Generator().manual_seed(0))
    return noise.to(device)


def _batch_size(device: torch.device, tile_size: int) -> int:
    """Return one window on the CPU; on a GPU one of 512 x 512 pixels per GiB, which most networks take."""
    if device.type == "cpu":
        return _CPU_BATCH
    gibibytes = torch.cuda.get_device_properties(device).total_memory / 2**30
    return max(1, min(_GPU_BATCH_LIMIT, int(gibibytes * (512 / tile_size) ** 2)))
