"""Model files: what is written comes back, and nothing else is let in."""

import pickle
import subprocess
import sys

import onnx
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import ModelError
from geoseg.models.card import Band, Card
from geoseg.models.catalog import build_network
from geoseg.models.file import CARD_KEY, load_network, read_card, save_model
from onnx import TensorProto, helper
from safetensors.torch import save_file

CPU = torch.device("cpu")


def _card(**changes):
    values = {
        "architecture": "unet", "encoder": "resnet18", "dtype": "uint16", "ignore_value": 255, "tile_size": 64,
        "bands": (Band("red", 1, 2), Band("nir", 3, 4.5)), "pixel_size": (0.5, 0.5),
        "classes": ClassTable.named({0: "background", 9: "Häuser"}), "metrics": {"iou": 0.5}, **changes,
    }  # fmt: skip
    return Card(**values)


@pytest.fixture(scope="module")
def network():
    return build_network("unet", "resnet18", 2, 2)


def test_weights_and_card_come_back(network, tmp_path):
    path = str(tmp_path / "model.safetensors")
    save_model(path, network.to(memory_format=torch.channels_last).state_dict(), _card())
    loaded, card = load_network(path, CPU)
    assert card == _card() == read_card(path)
    assert not loaded.training
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), loaded.state_dict().values(), strict=True)
    )


def test_a_network_that_was_trained_is_not_tried_once_more(tmp_path, monkeypatch):
    encoder, path = "tu-resnet10t", str(tmp_path / "model.safetensors")
    save_model(path, build_network("unet", encoder, 2, 2).state_dict(), _card(encoder=encoder))
    tried = []
    monkeypatch.setattr("geoseg.models.encoder_fit._answers", lambda *given: tried.append(given))
    _, card = load_network(path, CPU)
    assert (card.encoder, tried) == (encoder, [])


def test_a_model_may_be_read_by_whoever_reads_other_new_files(network, tmp_path):
    model, other = tmp_path / "model.safetensors", tmp_path / "other"
    save_model(model, network.state_dict(), _card())
    other.touch()
    assert model.stat().st_mode == other.stat().st_mode


def test_a_card_is_read_without_torch(network, tmp_path):
    path = str(tmp_path / "model.safetensors")
    save_model(path, network.state_dict(), _card())
    code = (
        "import sys; sys.path.insert(0, 'tests'); import conftest; from geoseg.models.file import read_card; "
        f"print(read_card({path!r}).encoder, {{'torch', 'onnx', 'segmentation_models_pytorch'}} & set(sys.modules))"
    )
    root = __file__.split("tests")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "resnet18 set()"


def test_an_onnx_file_gives_its_card(tmp_path):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])  # fmt: skip
    model = helper.make_model(graph)
    helper.set_model_props(model, {CARD_KEY: _card().to_text()})
    path = str(tmp_path / "model.onnx")
    onnx.save(model, path)
    assert read_card(path) == _card()
    helper.set_model_props(model, {})
    onnx.save(model, path)
    with pytest.raises(ModelError, match="no GeoSeg card"):
        read_card(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 64, pickle.dumps({"a": 1})])
@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx", "model.pt"])
def test_other_files_are_model_errors(content, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=name):
        read_card(str(path))


def test_a_pickle_is_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("A pickle was executed.",)

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError):
        load_network(str(path), CPU)


def test_a_truncated_file_is_a_model_error(network, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, network.state_dict(), _card())
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(str(path), CPU)


def test_weights_of_another_network_are_a_model_error(network, tmp_path):
    path = str(tmp_path / "model.safetensors")
    save_model(path, network.state_dict(), _card(encoder="resnet34"))
    with pytest.raises(ModelError, match="are not those of a unet with resnet34"):
        load_network(path, CPU)


def test_missing_files_and_cards_are_model_errors(tmp_path):
    with pytest.raises(ModelError, match="no model file"):
        read_card(str(tmp_path / "absent.safetensors"))
    save_file({"x": torch.zeros(1)}, tmp_path / "plain.safetensors")
    with pytest.raises(ModelError, match="no GeoSeg card"):
        read_card(str(tmp_path / "plain.safetensors"))
