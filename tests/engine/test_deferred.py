"""Maps that need all probabilities first: the same however they came, and whole or not there."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, ModelError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.decisions.smoothing import smooth
from geoseg.geoseg_plugin.engine.prediction.decisions.spread import Spread
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapped import UTM, draw_probabilities, write_map
from geoseg.tests.engine.rasters import write_raster

ROOT = Path(__file__).resolve().parents[2]
SHAPE = 150, 130


@pytest.fixture
def small_blocks(monkeypatch):
    """Lets results be made in small squares."""
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.prediction.results.results.block_shape", lambda *_: (64, 48))


@pytest.fixture
def valid():
    known = np.ones(SHAPE, bool)
    known[60:90, 40:] = False
    return known


def read(folder, name="classes"):
    with rasterio.open(folder / f"{name}.tif") as dataset:
        return dataset.read()


def chosen(probabilities, valid, thresholds):
    """Return what a class raster holds, computed anew."""
    reached = np.where(probabilities[1:] >= np.array(thresholds, np.float32)[:, None, None], probabilities[1:], -1)
    indices = np.where(reached.max(axis=0) >= 0, 1 + reached.argmax(axis=0), 0)
    return np.where(valid, indices, 255)


@pytest.mark.parametrize("method", ["otsu", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, 2.5])
@pytest.mark.parametrize("parts", [{}, {"rows": 64, "cols": 50, "whole_rows": False}])
def test_thresholds_are_those_of_the_smoothed_map(tmp_path, small_blocks, valid, method, smoothing, parts):
    probabilities = draw_probabilities(*SHAPE)
    listener = Listener()
    write_map(tmp_path / "out", probabilities, valid, listener, decision=method, smoothing=smoothing, **parts)
    blurred = smooth(probabilities, valid, smoothing, Listener()) if smoothing else probabilities
    spread = Spread(3)
    spread.add(blurred, valid)
    thresholds = spread.find_thresholds(method)
    np.testing.assert_array_equal(read(tmp_path / "out")[0], chosen(blurred, valid, thresholds))
    assert any(text.startswith(f"Thresholds found by {method}: class 1 {thresholds[0]:.4g}") for text in listener.notes)
    with rasterio.open(tmp_path / "out" / "classes.tif") as dataset:
        told = json.loads(dataset.tags()["GEOSEG_THRESHOLDS"])
    assert told == pytest.approx(dict(zip(["class 1", "class 2"], thresholds, strict=True)))
    assert listener.fractions == sorted(listener.fractions)


def test_smoothing_is_the_same_in_blocks_as_over_the_whole(tmp_path, small_blocks, valid):
    probabilities = draw_probabilities(*SHAPE, blur=1.0)
    write_map(tmp_path / "out", probabilities, valid, smoothing=4.0, probabilities=True)
    wanted = np.where(valid, smooth(probabilities, valid, 4.0, Listener()), np.nan)
    np.testing.assert_array_equal(read(tmp_path / "out", "probabilities"), wanted)
    np.testing.assert_array_equal(read(tmp_path / "out")[0], np.where(valid, wanted.argmax(axis=0), 255))


def polygons(folder):
    _, _, shapes, (values, _, areas, confidences) = pyogrio.raw.read(folder / "polygons.gpkg")
    texts = [shape.wkt for shape in shapely.normalize(shapely.from_wkb(shapes))]
    order = np.argsort(texts)
    return sorted(texts), values[order], areas[order], confidences[order]


def test_all_files_are_those_of_the_direct_way(tmp_path, small_blocks, valid):
    # Each threshold is the mean, so both ways decide alike.
    probabilities = draw_probabilities(*SHAPE)
    wanted = dict.fromkeys(("probabilities", "confidence", "entropy", "margin", "polygons", "picture", "array"), True)
    write_map(tmp_path / "mean", probabilities, valid, decision="mean", **wanted)
    with rasterio.open(tmp_path / "mean" / "classes.tif") as dataset:
        thresholds = json.loads(dataset.tags()["GEOSEG_THRESHOLDS"])
    text = ", ".join(f"{name}={threshold!r}" for name, threshold in thresholds.items())
    write_map(tmp_path / "fixed", probabilities, valid, decision="fixed", threshold=text, **wanted)
    for name in ("classes", "probabilities", "confidence", "entropy", "margin"):
        np.testing.assert_array_equal(read(tmp_path / "mean", name), read(tmp_path / "fixed", name))
    pictures = [(tmp_path / way / "picture.png").read_bytes() for way in ("mean", "fixed")]
    assert pictures[0] == pictures[1]
    arrays = [np.load(tmp_path / way / "array.npy") for way in ("mean", "fixed")]
    np.testing.assert_array_equal(*arrays)
    one, other = polygons(tmp_path / "mean"), polygons(tmp_path / "fixed")
    assert one[0] == other[0]
    for first, second in zip(one[1:3], other[1:3], strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(one[3], other[3], atol=1e-4)
    files = [sorted(file.name for file in (tmp_path / way).iterdir()) for way in ("mean", "fixed")]
    assert files[0] == files[1]


@pytest.mark.parametrize("form", ["GeoTIFF", "COG"])
def test_results_go_back_to_the_pixels_of_the_image(tmp_path, small_blocks, form):
    # The network saw pixels 2.5 times as large; its probability of class 1 grows from left to right.
    rows, cols = 60, 52
    slope = np.broadcast_to((np.arange(cols) + 0.5) / cols, (rows, cols))
    probabilities = np.stack([1 - slope, slope]).astype(np.float32)
    coarse = Grid(UTM.crs, UTM.transform @ Affine.scale(2.5), rows, cols)
    fine = Grid(UTM.crs, UTM.transform, 150, 130)
    shown = np.ones((150, 130), bool)
    shown[100:, :7] = False
    write_map(
        tmp_path / "out", probabilities, grid=coarse, result_grid=fine, shown=shown, probabilities=True, format=form
    )
    with rasterio.open(tmp_path / "out" / "probabilities.tif") as dataset:
        assert Grid.of(dataset) == fine
        found = dataset.read(2)
    np.testing.assert_array_equal(~np.isnan(found), shown)
    np.testing.assert_allclose(
        found[:, 7:-2], np.broadcast_to((np.arange(130) + 0.5) / 130, (150, 130))[:, 7:-2], atol=1e-6
    )
    classes = read(tmp_path / "out")[0]
    assert (classes[:100, :65] == 0).all()
    assert (classes[:, 65:] == 1).all()
    assert (classes[100:, :7] == 255).all()


def test_answers_that_are_not_numbers_are_told_at_once(tmp_path):
    probabilities = draw_probabilities(*SHAPE)
    probabilities[1, 100, 100] = np.nan
    with pytest.raises(ModelError, match="not numbers"):
        write_map(tmp_path / "out", probabilities, smoothing=1.0)
    assert not list((tmp_path / "out").iterdir())
    known = np.ones(SHAPE, bool)
    known[100, 100] = False
    write_map(tmp_path / "out", probabilities, known, smoothing=1.0)


@pytest.mark.parametrize("when", [0.05, 0.4, 0.85])
def test_cancelling_at_the_end_leaves_nothing(tmp_path, small_blocks, when):
    listener = Listener(lambda one: one.fractions[-1:] > [when])
    with pytest.raises(Cancelled):
        write_map(tmp_path / "out", draw_probabilities(*SHAPE), None, listener, decision="otsu", format="COG")
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    noise = np.random.default_rng(0).integers(1, 255, (3, 600, 600)).astype(np.uint8)
    image = write_raster(tmp_path / "image.tif", noise)
    weights = np.eye(3) / 50
    model = write_pixelwise(tmp_path / "model.onnx", make_card(), weights, np.zeros(3))
    limit = 2**21  # the map fits, but not all probabilities
    done = subprocess.run(
        [sys.executable, str(ROOT / "geoseg_plugin"), "predict-segmentation", "--input", image, "--model", model,
         "--smoothing", "1", "--output", str(tmp_path / "out" / "map.tif")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_a_map_named_like_what_is_kept_for_it(tmp_path):
    probabilities = draw_probabilities(20, 30)
    output = str(tmp_path / "out" / "all_classes.tif")
    write_map(tmp_path / "out", probabilities, smoothing=1.0, output=output)
    assert sorted(file.suffix for file in (tmp_path / "out").iterdir()) == [".qml", ".tif", ".xml"]


def test_a_map_without_data_has_no_thresholds(tmp_path):
    listener = Listener()
    write_map(tmp_path / "out", draw_probabilities(20, 30), np.zeros((20, 30), bool), listener, decision="otsu")
    assert (read(tmp_path / "out") == 255).all()
    assert ["no pixel with data" in text for text in listener.warnings] == [True]
