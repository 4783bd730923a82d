"""Opening model files: the right device, and errors that say what is wrong."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import GeosegError, ModelError, RequestError
from geoseg.geoseg_plugin.engine.prediction.networks.runtime import Runtime, open_network
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener

WEIGHTS, BIAS = np.eye(3), np.zeros(3)


def test_an_onnx_model_answers(tmp_path):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), 2 * WEIGHTS, BIAS + 1)
    network = open_network(path, Runtime("cpu"), Listener())
    windows = np.random.default_rng(0).random((2, 3, 32, 64), dtype=np.float32)
    np.testing.assert_allclose(network.logits(windows), 2 * windows + 1, rtol=1e-6)
    assert network.card == make_card()
    assert network.device.startswith("cpu")
    assert network.fixed_size is None
    assert network.seconds > 0


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "1", ""])
def test_an_unknown_device(tmp_path, device):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), WEIGHTS, BIAS)
    with pytest.raises(RequestError, match="DEVICE"):
        open_network(path, Runtime(device), Listener())


def test_a_gpu_that_is_not_there(tmp_path):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), WEIGHTS, BIAS)
    with pytest.raises(GeosegError, match="does not see the GPU 'cuda:99'"):
        open_network(path, Runtime("cuda:99"), Listener())


def test_a_gpu_that_onnxruntime_cannot_use_is_told(tmp_path, monkeypatch):
    from geoseg.geoseg_plugin.engine.prediction.networks import onnx_network

    if "CUDAExecutionProvider" not in onnx_network.onnxruntime.get_available_providers() or onnx_network._gpu_count():
        pytest.skip("Needs an onnxruntime with CUDA on a machine without a GPU.")
    monkeypatch.setattr(onnx_network, "_gpu_count", lambda: 1)
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), WEIGHTS, BIAS)
    listener = Listener()
    assert open_network(path, Runtime("auto"), listener).device.startswith("cpu")
    assert "cannot use the GPU" in listener.warnings[0]
    with pytest.raises(GeosegError, match="cannot use the GPU"):
        open_network(path, Runtime("cuda"), listener)


@pytest.mark.parametrize("name", ["m.onnx", "m.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)) * 40])
def test_a_broken_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        open_network(str(tmp_path / name), Runtime("cpu"), Listener())


@pytest.mark.parametrize("name", ["m.onnx", "m.safetensors"])
def test_a_missing_file(tmp_path, name):
    with pytest.raises(ModelError, match="no model file"):
        open_network(str(tmp_path / name), Runtime("cpu"), Listener())


def test_a_truncated_file(tmp_path):
    path = tmp_path / "m.onnx"
    write_pixelwise(path, make_card(), WEIGHTS, BIAS)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"m\.onnx"):
        open_network(str(path), Runtime("cpu"), Listener())


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "../models/weights.bin"])
def test_a_model_that_takes_its_weights_from_another_file(tmp_path, place):
    from onnx import TensorProto, load, save

    folder = tmp_path / "models"
    folder.mkdir()
    path = write_pixelwise(folder / "m.onnx", make_card(), WEIGHTS, BIAS)
    for one in (tmp_path, folder):
        (one / "weights.bin").write_bytes(WEIGHTS.astype(np.float32).tobytes())
    model = load(path)
    weights = model.graph.initializer[0]
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=place)
    save(model, path)
    with pytest.raises(ModelError, match=r"m\.onnx cannot be loaded"):
        open_network(path, Runtime("cpu"), Listener())


def test_a_foreign_onnx_model(tmp_path):
    from onnx import TensorProto, helper, save

    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"]) for name in ("image", "logits")]
    graph = helper.make_graph([helper.make_node("Relu", ["image"], ["logits"])], "foreign", sides[:1], sides[1:])
    path = str(tmp_path / "m.onnx")
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    with pytest.raises(ModelError, match="no GeoSeg card"):
        open_network(path, Runtime("cpu"), Listener())


def test_a_card_that_does_not_fit_its_network(tmp_path):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(bands=("nir",)), WEIGHTS, BIAS)
    with pytest.raises(ModelError, match="names 1 bands"):
        open_network(path, Runtime("cpu"), Listener())


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "geoseg-card", "version": 99}'])
def test_a_broken_card(tmp_path, text):
    path = write_pixelwise(tmp_path / "m.onnx", make_card(), WEIGHTS, BIAS, card_text=text)
    with pytest.raises(ModelError):
        open_network(path, Runtime("cpu"), Listener())
