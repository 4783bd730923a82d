"""Findings: none without a fault, and sorted."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.datasets.checking.finding import count_severities, in_words, tiles_in_words
from geoseg.geoseg_plugin.engine.datasets.checking.findings import FAULTS, find_all
from geoseg.tests.engine.planting import Plot


def test_a_dataset_without_a_fault_has_no_findings(tmp_path):
    assert Plot(tmp_path).findings() == {}


def test_nor_has_one_of_four_bands(tmp_path):
    assert Plot(tmp_path, bands=4).findings() == {}


def test_nor_one_without_labels(tmp_path):
    plot = Plot(tmp_path)
    pairs = plot.write()
    bare = tuple(type(pair)(pair.id, pair.scene, pair.split, pair.image, None) for pair in pairs.pairs)
    assert plot.findings(pairs=bare, classes=ClassTable(()), labelled=False) == {}


@pytest.mark.parametrize("kind", ["decibels", "reflectance", "sea and land", "snow"])
def test_nor_have_scenes_that_differ_by_nature(kind, tmp_path):
    plot = Plot(tmp_path, bands=4)
    random = np.random.default_rng(1)
    for name, image in plot.images.items():
        noise = random.normal(size=image.shape)
        odd = plot.scenes[name] in ("birch", "fir")
        if kind == "decibels":
            pixels = (-24 if odd else -9) + 3 * noise
        elif kind == "reflectance":
            pixels = np.array([0.04, 0.07, 0.05, 0.35])[:, None, None] * (1 + 0.2 * noise)
        elif kind == "sea and land":
            levels = [450, 300, 120, 60] if odd else [600, 800, 900, 3200]
            pixels = np.array(levels)[:, None, None] * (1 + 0.1 * noise)
        else:
            levels = [8000, 8300, 8500, 8600] if odd else [700, 900, 1100, 2600]
            pixels = np.array(levels)[:, None, None] * (1 + 0.1 * noise)
        plot.images[name] = pixels.astype(np.float32)
    assert plot.findings(dtype="float32") == {}


def test_the_worst_come_first(tmp_path, recorder):
    plot = Plot(tmp_path)
    plot.labels["t03"] = np.full_like(plot.labels["t03"], 255)
    plot.labels["t04"] = plot.labels["t04"] + np.uint8(5)
    plot.images["t05"] = plot.images["t05"].astype(np.uint16)
    found = find_all(plot.survey(), recorder)
    assert [one.severity for one in found] == ["error", "warning", "note"]
    assert count_severities(found) == {"error": 1, "warning": 1, "note": 1}


def test_counts_and_names_are_told_in_words():
    assert in_words({"error": 2, "warning": 1, "note": 0}) == "2 errors, 1 warning"
    assert in_words({"error": 0, "warning": 0, "note": 0}) == "no findings"
    assert tiles_in_words(["a", "b", "c", "d", "e"]) == "5 tiles (a, b, c and 2 more)"
    assert tiles_in_words(["a"]) == "1 tile (a)"


def test_looking_for_shared_ground_can_be_cancelled(tmp_path, make_recorder):
    survey = Plot(tmp_path).survey()
    asked = []
    recorder = make_recorder(lambda self: len(asked) >= len(FAULTS) or asked.append(1))
    with pytest.raises(Cancelled):
        find_all(survey, recorder)
