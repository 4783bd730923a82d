"""Opening one or several models: what goes together, and what is said of what does not."""

import dataclasses

import numpy as np
import pytest
import rasterio
import torch
from geoseg.geoseg_plugin.contract.errors import ModelError, RequestError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.opinions.joint_predictor import JointPredictor
from geoseg.geoseg_plugin.engine.prediction.opinions.opening import open_predictor
from geoseg.geoseg_plugin.engine.prediction.opinions.predictor import SinglePredictor
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.models.card import Band
from geoseg.models.catalog import build_network
from geoseg.models.file import save_model
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


@pytest.fixture
def model(tmp_path):
    """Writes a model with a constant answer, one logit for each class, and returns its path."""

    def write(name, logits=(1.0, 0.0, 0.0), **card):
        weights = np.zeros((len(logits), 3))
        return write_pixelwise(tmp_path / name, make_card(**card), weights, logits)

    return write


def _request(model, tmp_path, **options):
    return PredictSegmentation(
        input=str(tmp_path / "image.tif"), model=model, output=str(tmp_path / "map.tif"), device="cpu", **options
    )


def _open(model, tmp_path, **options):
    return open_predictor(_request(model, tmp_path, **options), Listener())


def test_one_model_seen_once_is_asked_directly(model, tmp_path):
    one = model("one.onnx")
    assert isinstance(_open(one, tmp_path), SinglePredictor)
    assert isinstance(_open(one, tmp_path, scales="1"), SinglePredictor)
    assert isinstance(_open(one, tmp_path, test_time_augmentation="flips"), JointPredictor)
    assert isinstance(_open(one, tmp_path, further_models=(one,)), JointPredictor)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (
            {0: "background", 1: "building", 6: "water"},
            "0 background, 1 building, 6 water, those of MODEL 0 background",
        ),
        ({0: "background", 1: "building", 5: "sea"}, "5 sea"),
        ({0: "background", 1: "building"}, "0 background, 1 building, those of MODEL"),
    ],
)
def test_models_with_other_classes_are_refused_by_name(model, tmp_path, classes, said):
    other = model("other.onnx", [0.0] * len(classes), classes=classes)
    with pytest.raises(ModelError, match=rf"The classes of .*other\.onnx are .*{said}"):
        _open(model("one.onnx"), tmp_path, further_models=(model("like.onnx"), other))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "bfloat16"}, "PRECISION is bfloat16, but onnxruntime"),
        ({"precision": "float16"}, "PRECISION is float16, but onnxruntime"),
        ({"backend": "torch"}, r"BACKEND is torch, which cannot run .*one\.onnx"),
    ],
)
def test_an_onnx_model_runs_in_one_way_alone(model, tmp_path, options, said):
    with pytest.raises(RequestError, match=said):
        _open(model("one.onnx"), tmp_path, **options)


def _probabilities(tmp_path, request_of, **options):
    path = str(tmp_path / "p.tif")
    result = predict_segmentation(request_of(probabilities=path, **options), Listener())
    with rasterio.open(path) as dataset:
        return result, dataset.read()


@pytest.fixture
def request_of(tmp_path):
    """Makes requests for a torch network with random weights and an image."""
    torch.manual_seed(0)
    path = str(tmp_path / "net.safetensors")
    card = make_card(architecture="satellite-unet", encoder="none")
    save_model(path, build_network("satellite-unet", "none", 3, 3).state_dict(), card)
    write_raster(tmp_path / "image.tif", np.random.default_rng(0).integers(1, 255, (3, 60, 50), np.uint8))
    return lambda **options: _request(path, tmp_path, **options)


def test_half_precision_is_told_and_nearly_the_same(tmp_path, request_of):
    result, exact = _probabilities(tmp_path, request_of)
    assert result.precision == "float32"
    result, half = _probabilities(tmp_path, request_of, precision="bfloat16")
    assert (result.precision, result.backend) == ("bfloat16", "torch")
    assert 0 < np.abs(half - exact).max() < 0.02


def test_models_of_both_kinds_answer_together(model, tmp_path, request_of):
    """A torch network whose answer is known from itself alone, and a constant one of onnxruntime."""
    constant = model("constant.onnx", (0.0, np.log(2.0), 0.0))
    result, alone = _probabilities(tmp_path, request_of)
    assert (result.backend, result.precision) == ("torch", "float32")
    result, both = _probabilities(tmp_path, request_of, further_models=(constant,))
    assert (result.backend, result.precision) == ("torch and onnxruntime", "float32")
    np.testing.assert_allclose(both, (alone + np.array([0.25, 0.5, 0.25])[:, None, None]) / 2, atol=1e-5)


def test_models_with_other_scaling_each_see_their_own(tmp_path):
    image = np.random.default_rng(0).integers(1, 255, (3, 80, 80), np.uint8)
    names = ("red", "green", "blue")
    write_raster(tmp_path / "image.tif", image, names=names)
    card = make_card(classes={0: "background", 1: "building"}, bands=names)
    other = dataclasses.replace(card, bands=tuple(Band(name, 0.0, 255.0) for name in names))
    one = write_pixelwise(tmp_path / "one.onnx", card, [[0, 0, 0], [1, 0, 0]], [0, 0])
    two = write_pixelwise(tmp_path / "two.onnx", other, [[0, 0, 0], [3, 0, -2]], [0, 0])
    _, found = _probabilities(tmp_path, lambda **options: _request(one, tmp_path, **options), further_models=(two,))
    red, blue = image[0].astype(float), image[2].astype(float)
    scores = [(red - 100) / 50, 3 * red / 255 - 2 * blue / 255]
    wanted = np.mean([1 / (1 + np.exp(-score)) for score in scores], axis=0)
    np.testing.assert_allclose(found[1], wanted, atol=1e-5)
