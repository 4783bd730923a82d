"""Opens model files with the library that is to run them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .....models.file import ONNX_SUFFIX
from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.stages.prediction_parts.machine import ONNXRUNTIME, QUICKEST, TORCH
from ....contract.stages.training_parts.machine import AUTO, FLOAT32
from .network import Network


@dataclass(frozen=True)
class Runtime:
    """How a network is to run.

    Attributes:
        device: auto, cpu, cuda or cuda:N.
        precision: One of the choices of PRECISION; auto stands for float32 until a trial shows better.
        backend: One of the choices of BACKEND; auto stands for the library that the file is made for.
        batch_size: Windows at a time; 0 chooses.
        tile_size: Side of the windows in pixels; 0 stands for the card's.
    """

    device: str = AUTO
    precision: str = AUTO
    backend: str = QUICKEST
    batch_size: int = 0
    tile_size: int = 0


def open_network(path: str, runtime: Runtime, report: Report) -> Network:
    """Load a model file.

    Args:
        path: A .safetensors or .onnx file; the latter needs no torch.
        runtime: How it is to run.
        report: Hears when the work is done elsewhere than asked, or slowly.

    Raises:
        RequestError: The library cannot run this file, or not in this precision.
        ModelError: The file is missing, damaged, or no model of GeoSeg.
        GeosegError: The device is not there.
        Cancelled: The user has asked to stop.
    """
    is_onnx = is_onnx_file(path)
    if is_onnx and runtime.backend == TORCH:
        raise RequestError(
            f"BACKEND is {TORCH}, which cannot run {path}.",
            f"Set BACKEND to {QUICKEST} or {ONNXRUNTIME}, or give the .safetensors model.",
        )
    if is_onnx or runtime.backend == ONNXRUNTIME:
        if runtime.precision not in (AUTO, FLOAT32):
            raise RequestError(
                f"PRECISION is {runtime.precision}, but {ONNXRUNTIME}, which runs {path}, computes in {FLOAT32}.",
                f"Set PRECISION to {AUTO} or {FLOAT32}, or run a .safetensors model with BACKEND {TORCH}.",
            )
        from .onnx_network import open_onnx_network

        if is_onnx:
            return open_onnx_network(path, runtime.device, runtime.batch_size, report)
        from .conversion import exported

        with exported(path, report) as onnx_path:
            return open_onnx_network(onnx_path, runtime.device, runtime.batch_size, report)
    from .torch_network import open_torch_network

    return open_torch_network(path, runtime, report)


def is_onnx_file(path: str) -> bool:
    """Tell whether a model file is one that onnxruntime alone runs."""
    return Path(path).suffix.lower() == ONNX_SUFFIX
