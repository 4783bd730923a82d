"""Export: the same answers as torch's, or an error and no file."""

import json

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import InputError, ModelError, RequestError
from geoseg.geoseg_plugin.contract.stages.models import ExportModel
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction import export
from geoseg.geoseg_plugin.engine.prediction.export import export_model
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.models.catalog import build_network
from geoseg.models.file import read_card, save_model
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


@pytest.fixture
def save(tmp_path):
    """Save a network with random weights and return the model's path."""

    def do():
        torch.manual_seed(0)
        path = tmp_path / "model.safetensors"
        card = make_card(architecture="satellite-unet", encoder="none", thresholds={"building": 0.3})
        save_model(path, build_network("satellite-unet", "none", 3, 3).state_dict(), card)
        return str(path)

    return do


@pytest.fixture
def sample(tmp_path):
    return write_raster(tmp_path / "sample.tif", np.random.default_rng(0).integers(0, 255, (3, 150, 170), np.uint8))


def _predict(model, image, output, listener=None, **options):
    request = PredictSegmentation(input=image, model=model, output=str(output), device="cpu", **options)
    with open_raster(predict_segmentation(request, listener or Listener()).output) as dataset:
        return dataset.read(1)


def test_both_models_make_the_same_map(tmp_path, save, sample, capfd):
    model, output, listener = save(), str(tmp_path / "ü" / "model.onnx"), Listener()
    result = export_model(ExportModel(model=model, sample=sample, output=output), listener)
    assert result.max_difference < 1e-3
    assert capfd.readouterr() == ("", "")
    assert listener.warnings == []
    assert read_card(output) == read_card(model)
    one, other = (_predict(path, sample, tmp_path / "map.tif") for path in (model, output))
    assert (one == other).mean() > 0.999
    assert len(np.unique(one)) > 1


def _wrong_for(sizes, fails=False):
    """Stand in for write_onnx: write another network where `any_size` is among `sizes`, or fail."""
    export_truly = export.write_onnx

    def write(network, card, path, *, any_size):
        if any_size not in sizes:
            export_truly(network, card, path, any_size=any_size)
        elif fails:
            raise ModelError("Torch cannot export it.")
        else:
            write_pixelwise(path, card, np.eye(3), np.zeros(3))

    return write


@pytest.mark.parametrize("fails", [False, True])
def test_networks_that_cannot_take_every_size_keep_the_tile_size(tmp_path, save, sample, monkeypatch, fails):
    monkeypatch.setattr(export, "write_onnx", _wrong_for({True}, fails))
    output, listener = str(tmp_path / "model.onnx"), Listener()
    assert export_model(ExportModel(model=save(), sample=sample, output=output), listener).max_difference < 1e-3
    _predict(output, sample, tmp_path / "map.tif", listener, tile_size=128)
    assert any("Windows of 64 pixels" in text for text in listener.notes)


def test_a_difference_is_an_error_and_leaves_no_file(tmp_path, save, sample, monkeypatch):
    monkeypatch.setattr(export, "write_onnx", _wrong_for({True, False}))
    with pytest.raises(ModelError, match="answers differently"):
        export_model(ExportModel(model=save(), sample=sample, output=str(tmp_path / "model.onnx")), Listener())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.safetensors", "sample.tif"]


def test_without_sample_and_dataset_one_is_asked_for(tmp_path, save, blobs, monkeypatch):
    monkeypatch.chdir(blobs)  # A dataset that nobody named must not be taken.
    with pytest.raises(InputError, match="SAMPLE"):
        export_model(ExportModel(model=save(), output=str(tmp_path / "model.onnx")), Listener())


def test_a_sample_without_data(tmp_path, save):
    path = write_raster(tmp_path / "empty.tif", np.zeros((3, 80, 80), np.uint8), nodata=0)
    with pytest.raises(InputError, match="no data"):
        export_model(ExportModel(model=save(), sample=path, output=str(tmp_path / "model.onnx")), Listener())


def test_a_name_without_the_suffix_is_refused(tmp_path, save, sample):
    with pytest.raises(RequestError, match=r"\.onnx"):
        export_model(ExportModel(model=save(), sample=sample, output=str(tmp_path / "model.bin")), Listener())


def test_an_onnx_model_is_no_source(tmp_path, sample):
    (tmp_path / "model.safetensors").write_bytes(json.dumps({"a": 1}).encode())
    with pytest.raises(ModelError):
        export_model(
            ExportModel(model=str(tmp_path / "model.safetensors"), sample=sample, output=str(tmp_path / "x.onnx")),
            Listener(),
        )
