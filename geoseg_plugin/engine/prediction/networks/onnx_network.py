"""Networks that onnxruntime runs, without torch."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from .....models.card import Card
from .....models.file import CARD_KEY
from ....contract.errors import GeosegError, ModelError, first_line
from ....contract.events import Report
from ....contract.stages.prediction_parts.machine import ONNXRUNTIME
from ....contract.stages.training_parts.machine import FLOAT32
from ...device import is_auto, named_gpu
from ...processes.starting import THREADS_VARIABLE
from .network import Network

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_CPU_BATCH = 1
_GPU_BATCH = 16
_LOG_FATAL_ONLY = 4
_WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"
_LOAD_FAULTS = (
    faults.Fail, faults.InvalidArgument, faults.InvalidGraph, faults.InvalidProtobuf, faults.NoModel, faults.NoSuchFile,
    faults.NotImplemented, faults.RuntimeException,
)  # fmt: skip


class OnnxNetwork(Network):
    """A network in onnxruntime.

    Args:
        session: An open session.
        card: What the model is.
        device: The device that the session runs on, in words.
        batch_size: Windows at a time.
    """

    backend = ONNXRUNTIME

    def __init__(self, session: onnxruntime.InferenceSession, card: Card, device: str, batch_size: int) -> None:
        super().__init__(card, device, FLOAT32, batch_size)
        self._session = session
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        side = session.get_inputs()[0].shape[2]
        self.fixed_size = side if isinstance(side, int) else None

    def _infer(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            logits: NDArray[np.float32] = self._session.run([self._output], {self._input: windows})[0]
        except (faults.RuntimeException, faults.InvalidArgument, faults.Fail) as error:
            if "allocate" in str(error) or "out of memory" in str(error).lower():
                raise MemoryError from error
            raise ModelError(
                f"The network fails on windows of {windows.shape[-1]} pixels: {first_line(error)}.",
                "Use a TILE_SIZE that the network was made for.",
            ) from error
        return logits


def open_onnx_network(path: str, device: str, batch_size: int, report: Report) -> OnnxNetwork:
    """Load an .onnx model; see `runtime.open_network`."""
    if not Path(path).is_file():
        raise ModelError(f"There is no model file {path}.", "Check the path.")
    providers = _providers(device)
    session = _open_session(path, providers)
    card = _check(session, path)
    runs_on_gpu = session.get_providers()[0] == _CUDA
    if not runs_on_gpu and len(providers) > 1:
        fault = "onnxruntime cannot use the GPU: its CUDA or cuDNN libraries do not load"
        if not is_auto(device):
            raise GeosegError(f"{fault}.", "Use DEVICE auto or cpu, or check the engine.")
        report.warn(f"{fault}. The CPU does the work, which takes longer.")
    if runs_on_gpu:
        number = session.get_provider_options()[_CUDA].get("device_id", "0")
        return OnnxNetwork(session, card, f"cuda:{number} (onnxruntime)", batch_size or _GPU_BATCH)
    return OnnxNetwork(session, card, f"cpu (onnxruntime, {_thread_count()} threads)", batch_size or _CPU_BATCH)


def _open_session(path: str, providers: list[str | tuple[str, dict[str, str]]]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_FATAL_ONLY
    options.intra_op_num_threads = _thread_count()
    # The model file is no folder, so that a model cannot take weights from other files.
    options.add_session_config_entry(_WEIGHTS_FOLDER, path)
    if len(providers) > 1:
        onnxruntime.preload_dlls()
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except _LOAD_FAULTS as error:
        raise ModelError(
            f"{path} cannot be loaded as ONNX: {first_line(error)}.",
            "The file is damaged, or no ONNX model with all its weights inside.",
        ) from error


def _check(session: onnxruntime.InferenceSession, path: str) -> Card:
    """Return the model's card after making sure that its network is of the kind that the card states."""
    text = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
    if text is None:
        raise ModelError(f"{path} holds no GeoSeg card.", "Choose a model made by GeoSeg.")
    card = Card.from_text(text, path)
    takes, gives = session.get_inputs(), session.get_outputs()
    fits = (
        len(takes) == 1
        and takes[0].type == gives[0].type == "tensor(float)"
        and len(takes[0].shape) == len(gives[0].shape) == 4
        and not isinstance(takes[0].shape[0], int)
        and takes[0].shape[1] == len(card.bands)
        and gives[0].shape[1] in (len(card.classes), None)
    )
    if not fits:
        raise ModelError(
            f"The network in {path} turns {takes[0].shape} into {gives[0].shape}, but its card names "
            f"{len(card.bands)} bands and {len(card.classes)} classes.",
            "Export the model again.",
        )
    return card


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    if is_auto(device) and not _usable_gpus():
        return [_CPU]
    number = 0 if is_auto(device) else named_gpu(device, "onnxruntime", _usable_gpus)
    return [_CPU] if number is None else [(_CUDA, {"device_id": str(number)}), _CPU]


def _usable_gpus() -> int:
    return _gpu_count() if _CUDA in onnxruntime.get_available_providers() else 0


def _gpu_count() -> int:
    """Ask the driver how many GPUs there are; onnxruntime itself does not tell."""
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def _thread_count() -> int:
    """Return what OMP_NUM_THREADS says, as torch takes it, else the cores that this process may use.

    In a container these can be fewer than the machine has.
    """
    told = os.environ.get(THREADS_VARIABLE, "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
