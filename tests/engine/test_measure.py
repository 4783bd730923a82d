"""The figures of scripts/measure.py, against drawn shapes and distances measured in another way."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.class_raster import create_class_raster
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS
from scipy.spatial.distance import cdist

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "measure.py"
SIDE = 40
CLASSES = ClassTable.from_json(
    [{"value": 0, "name": "ground", "colour": "#000000"}, {"value": 1, "name": "building", "colour": "#ff0000"}]
)


@pytest.fixture(scope="module")
def measure():
    spec = importlib.util.spec_from_file_location("measure_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def square(left, top, width, side=SIDE):
    shown = np.zeros((side, side), np.int64)
    shown[top : top + width, left : left + width] = 1
    return shown


def figures(measure, truth, predicted):
    counts = measure.Counts.none(2)
    counts.add(truth, predicted)
    return measure.figures_of(counts, CLASSES)["classes"]


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (2, 1.0), (20, 0.0)])
def test_an_outline_may_be_two_pixels_away(measure, shift, expected):
    truth, predicted = square(5, 5, 12), square(5 + shift, 5 + shift // 20, 12)
    assert figures(measure, truth, predicted)[1]["boundary_f1"] == expected


def test_a_square_three_pixels_aside_keeps_what_still_overlaps(measure):
    truth, predicted = square(5, 5, 12), square(8, 5, 12)
    building = figures(measure, truth, predicted)[1]
    assert building["iou"] == pytest.approx(9 * 12 / (15 * 12))
    # Of either outline 44 pixels: the far side of 12 is 3 px away, and of the near one all but 2 at each end.
    assert building["boundary_f1"] == pytest.approx(26 / 44)


def outline_by_hand(shown, counted):
    found = []
    for row, col in np.argwhere(shown):
        beside = [(row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)]
        inside = [(r, c) for r, c in beside if 0 <= r < shown.shape[0] and 0 <= c < shown.shape[1]]
        if counted[row, col] and any(counted[at] and not shown[at] for at in inside):
            found.append((row, col))
    return np.array(found).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(4))
def test_boundary_f1_is_that_of_all_pairs_of_pixels(measure, seed):
    random = np.random.default_rng(seed)
    blobs = np.kron(random.integers(0, 2, (6, 6)), np.ones((6, 6), np.int64))
    truth, predicted = blobs.copy(), np.roll(blobs, (random.integers(-4, 5), random.integers(-4, 5)), axis=(0, 1))
    truth[:5, :9] = 2  # no class
    counted = truth < 2
    for index in (0, 1):
        true, mapped = outline_by_hand(truth == index, counted), outline_by_hand(predicted == index, counted)
        distances = cdist(true, mapped)
        precision, recall = (distances.min(axis=0) <= 2).mean(), (distances.min(axis=1) <= 2).mean()
        expected = 2 * precision * recall / (precision + recall)
        assert figures(measure, truth, predicted)[index]["boundary_f1"] == pytest.approx(expected)


def test_rasters_are_counted_together(measure):
    counts = measure.Counts.none(2)
    counts.add(square(5, 5, 12), square(5, 5, 12))
    counts.add(square(5, 5, 12), np.zeros((SIDE, SIDE), np.int64))
    building = measure.figures_of(counts, CLASSES)["classes"][1]
    assert building["iou"] == pytest.approx(0.5)
    assert building["boundary_f1"] == pytest.approx(2 * 0.5 / 1.5)


def test_without_outlines_there_is_no_figure(measure):
    full = np.ones((8, 8), np.int64)
    assert figures(measure, full, full)[0]["boundary_f1"] is None


def test_the_command_reads_rasters_and_writes_json(measure, tmp_path, monkeypatch, capsys):
    grid = Grid(CRS.from_epsg(32645), Affine(1, 0, 0, 0, -1, 0), SIDE, SIDE)
    for name, values in (("truth", square(5, 5, 12)), ("predicted", square(6, 5, 12))):
        with create_class_raster(tmp_path / f"{name}.tif", grid, CLASSES, {}) as dataset:
            dataset.write(values.astype("uint8"), 1)
    arguments = ["--truth", str(tmp_path / "truth.tif"), "--predicted", str(tmp_path / "predicted.tif")]
    monkeypatch.setattr(sys, "argv", ["measure.py", *arguments])
    assert measure.main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pixels"] == SIDE * SIDE
    assert found["classes"][1]["iou"] == pytest.approx(11 / 13)
    assert found["classes"][1]["boundary_f1"] == 1
