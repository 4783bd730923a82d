"""Classes: weights, rare and missing ones, and too few tiles."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.checking.class_balance import class_weights, training_counts
from geoseg.tests.engine.planting import Plot

THREE = ClassTable.named({0: "background", 1: "roof", 4: "pool"})


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path)


def _only(found, kind):
    assert list(found) == [kind]
    return found[kind]


def test_weights_are_the_median_share_by_the_share():
    assert class_weights(np.array([60, 30, 0, 10])) == pytest.approx([0.5, 1, 0, 3])
    assert class_weights(np.array([50, 50])).tolist() == [1, 1]
    assert class_weights(np.zeros(2, dtype=int)).tolist() == [0, 0]


def test_counts_are_those_of_training_tiles(plot):
    roof = sum((plot.labels[name] == 1).sum() for name in plot.names if plot.splits[name] == "train")
    assert training_counts(plot.survey()).tolist() == [12 * 32 * 32 - roof, roof]


@pytest.mark.parametrize(("pixels", "severity"), [(40, "note"), (2, "warning")])
def test_rare_classes_are_told_with_weights(pixels, severity, plot):
    for label in plot.labels.values():
        label[0, :2] = 4
        label[31, : pixels - 2] = 4
        label[30, : pixels - 34] = 4
    finding = _only(plot.findings(classes=THREE), "classes_rare")
    assert finding.severity == severity
    assert "'pool'" in finding.what
    assert "'pool' " in finding.fix


def test_classes_that_no_tile_has_are_told(plot):
    assert "'pool'" in _only(plot.findings(classes=THREE), "classes_absent").what


@pytest.mark.parametrize("split", ["train", "validation"])
def test_classes_that_a_set_misses_are_told(split, plot):
    for name, label in plot.labels.items():
        if plot.splits[name] != split:
            label[24:] = 4
    assert f"No {split} tile" in _only(plot.findings(classes=THREE), f"classes_missing_{split}").what


def test_training_tiles_of_one_class_are_an_error(plot):
    for name, label in plot.labels.items():
        if plot.splits[name] == "train":
            label[:] = 0
    finding = _only(plot.findings(), "training_one_class")
    assert finding.severity == "error"
    assert "'background'" in finding.what


def test_few_tiles_are_told(plot):
    for name in plot.names[8:]:
        plot.splits[name] = "unused"
    assert "few tiles to learn from: 5" in _only(plot.findings(), "few_tiles").what


def test_no_training_tiles_are_an_error(plot):
    for name in plot.names:
        plot.splits[name] = "validation"
    assert plot.findings()["no_training_tiles"].severity == "error"


def test_no_validation_tiles_are_told(plot):
    for name in plot.names:
        plot.splits[name] = "train"
    assert _only(plot.findings(), "no_validation_tiles").severity == "warning"


def test_many_tiles_of_background_are_a_note(plot):
    for name in plot.names[:5] + plot.names[6:16]:
        plot.labels[name][:] = 0
    finding = _only(plot.findings(), "tiles_only_background")
    assert (finding.severity, len(finding.tiles)) == ("note", 15)
    assert "62.5 %" in finding.what
