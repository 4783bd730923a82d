"""Models of torch that onnxruntime runs; that both answer alike is tested where they are exported."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from geoseg.geoseg_plugin.contract.errors import Cancelled, ModelError
from geoseg.geoseg_plugin.contract.stages.models import ExportModel
from geoseg.geoseg_plugin.engine.prediction.networks import conversion
from geoseg.geoseg_plugin.engine.prediction.networks.conversion import exported
from geoseg.geoseg_plugin.engine.prediction.networks.runtime import Runtime, open_network
from geoseg.models.card import Band
from geoseg.models.file import read_card, save_model
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener

ROOT = Path(__file__).resolve().parents[2]
CARD = make_card(bands=("red", "green", "blue", "nir"))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, {"weight": torch.zeros(1)}, CARD)
    return str(path)


@pytest.fixture
def exports(monkeypatch):
    """What the other process is asked for; in its place this one writes a network of a single layer."""
    asked = []

    def run(request, report):
        asked.append(request)
        with rasterio.open(request.sample) as dataset:
            asked.append((dataset.read(), dataset.descriptions))
        write_pixelwise(request.output, read_card(request.model), np.ones((3, 4)), np.zeros(3))

    monkeypatch.setattr(conversion, "run_apart", run)
    return asked


def test_what_is_exported_is_opened_and_goes(model, exports):
    network = open_network(model, Runtime("cpu", backend="onnxruntime"), Listener())
    assert (network.backend, network.precision, network.card) == ("onnxruntime", "float32", CARD)
    np.testing.assert_array_equal(network.logits(np.ones((1, 4, 32, 32), np.float32)), np.full((1, 3, 32, 32), 4))
    request = exports[0]
    assert isinstance(request, ExportModel)
    assert request.model == model
    assert not Path(request.output).parent.exists()


def test_both_are_compared_on_a_tile_like_the_training_images(tmp_path, exports):
    bands = (Band("vv", 1000.0, 10.0), Band("vh", -3.0, 0.5))
    save_model(tmp_path / "m.safetensors", {}, dataclasses.replace(CARD, bands=bands, tile_size=100))
    with pytest.raises(ModelError, match="3 classes"), exported(str(tmp_path / "m.safetensors"), Listener()) as path:
        open_network(path, Runtime("cpu"), Listener())  # made by hand for four bands
    sample, names = exports[1]
    assert names == ("vv", "vh")
    assert sample.shape == (2, 128, 128)  # the next multiple of 32
    np.testing.assert_allclose(sample.mean(axis=(1, 2)), [1000, -3], atol=1)
    np.testing.assert_allclose(sample.std(axis=(1, 2)), [10, 0.5], rtol=0.1)


def test_a_file_that_is_no_model_is_refused_before_anything_is_started(tmp_path, exports):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.safetensors"), exported(str(path), Listener()):
        pass
    assert exports == []


def test_nothing_stays_after_a_cancel(model, monkeypatch, tmp_path):
    monkeypatch.setattr(conversion.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Cancelled), exported(model, Listener(lambda listener: True)):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_this_process_needs_no_torch(model, tmp_path):
    onnx = write_pixelwise(tmp_path / "exported.onnx", CARD, np.ones((3, 4)), np.zeros(3))
    code = f"""
import importlib.util, shutil, sys
root = {str(ROOT)!r}
spec = importlib.util.spec_from_file_location("geoseg", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["geoseg"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from geoseg.geoseg_plugin.engine.prediction.networks import conversion
from geoseg.geoseg_plugin.engine.prediction.networks.runtime import Runtime, open_network
from geoseg.tests.engine.listener import Listener
conversion.run_apart = lambda request, report: shutil.copy({onnx!r}, request.output)
network = open_network({model!r}, Runtime("cpu", backend="onnxruntime"), Listener())
print(network.backend, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["onnxruntime", "False"], done.stderr
