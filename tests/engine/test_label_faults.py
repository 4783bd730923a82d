"""Faults of labels: each is planted alone, and found alone."""

import numpy as np
import pytest
from geoseg.tests.engine.planting import Plot


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path)


def test_labels_divided_by_255_are_told_by_name(plot):
    for name in plot.names:
        plot.labels[name] = (plot.labels[name] / 255).astype(np.float32)
    found = plot.findings()
    assert list(found) == ["labels_divided"]
    finding = found["labels_divided"]
    assert finding.severity == "error"
    assert "0.00392157" in finding.what
    assert "divided by 255 (1/255 = 0.0039)" in finding.what
    assert len(finding.tiles) == 24


def test_other_fractions_are_not_called_so(plot):
    plot.labels["t01"] = np.where(plot.labels["t01"], 0.3, 0).astype(np.float32)
    finding = plot.findings()["labels_divided"]
    assert "0.3" in finding.what
    assert "255" not in finding.what
    assert finding.tiles == ("t01",)


def test_white_masks_are_told_where_255_is_ignored(plot):
    for name in plot.names:
        plot.labels[name] = plot.labels[name] * np.uint8(255)
    found = plot.findings()
    assert list(found) == ["labels_white"]
    assert found["labels_white"].severity == "error"
    assert "to be ignored" in found["labels_white"].what
    assert "write 1" in found["labels_white"].fix


def test_white_masks_are_told_where_255_is_no_class(plot):
    for name in plot.names:
        plot.labels[name] = plot.labels[name] * np.uint8(255)
    found = plot.findings(ignore_value=None)
    assert list(found) == ["labels_white"]
    assert "which is no class" in found["labels_white"].what


def test_white_masks_of_unknown_classes_are_a_warning(plot):
    for name in plot.names:
        plot.labels[name] = plot.labels[name] * np.uint8(255)
    found = plot.findings(ignore_value=None, classes=None)
    assert [(one.kind, one.severity) for one in found.values()] == [("labels_white", "warning")]


def test_some_white_masks_among_others_are_told(plot):
    for name in plot.names[:5]:
        plot.labels[name] = plot.labels[name] * np.uint8(255)
    found = plot.findings()
    assert list(found) == ["labels_partly_white"]
    assert found["labels_partly_white"].tiles == tuple(plot.names[:5])


def test_labels_that_are_unknown_in_places_are_no_white_masks(plot):
    for name in plot.names:
        plot.labels[name][:3] = 255
    for name in plot.names[:4]:
        plot.labels[name][plot.labels[name] == 1] = 0
    assert plot.findings() == {}


def test_values_that_are_no_class_are_told_with_their_pixels(plot):
    plot.labels["t02"][0, :5] = 3
    plot.labels["t09"][1, :2] = 250
    found = plot.findings()
    assert list(found) == ["labels_strange"]
    finding = found["labels_strange"]
    assert finding.severity == "error"
    assert finding.tiles == ("t02", "t09")
    assert "3, 250 in 7 pixels" in finding.what
    assert "classes are 0, 1" in finding.what


def test_negative_values_are_no_class_even_where_classes_are_not_known(plot):
    plot.labels["t02"] = plot.labels["t02"].astype(np.int16)
    plot.labels["t02"][0, :5] = -1
    found = plot.findings(classes=None, ignore_value=None)
    assert list(found) == ["labels_strange"]
    assert "-1 in 5 pixels" in found["labels_strange"].what


def test_numbers_of_objects_are_hardly_classes(plot):
    for number, name in enumerate(plot.names):
        plot.labels[name] = np.arange(1024, dtype=np.uint16).reshape(32, 32) // 16 + 60 * number
    found = plot.findings(classes=None, ignore_value=None)
    assert "labels_many_values" in found
    assert "different values" in found["labels_many_values"].what
    assert "labels_strange" not in found


def test_labels_of_one_value_are_told(plot):
    for name in plot.names:
        plot.labels[name] = np.where(plot.labels[name], 1, 255).astype(np.uint8)
    found = plot.findings()
    assert list(found) == ["labels_one_value"]
    assert "'roof' (1)" in found["labels_one_value"].what
    assert "% are to be ignored" in found["labels_one_value"].what


def test_labels_of_background_alone_are_told(plot):
    for name in plot.names:
        plot.labels[name][:] = 0
    found = plot.findings()
    assert list(found) == ["labels_all_background"]
    assert found["labels_all_background"].severity == "error"
    assert "divided by 255" in found["labels_all_background"].fix


def test_labels_that_are_ignored_everywhere_are_told(plot):
    for name in plot.names:
        plot.labels[name][:] = 255
    assert list(plot.findings()) == ["labels_all_ignored"]


def test_training_labels_that_are_ignored_everywhere_are_told(plot):
    for name in plot.names:
        if plot.splits[name] == "train":
            plot.labels[name][:] = 255
    found = plot.findings()
    assert found["training_all_ignored"].severity == "error"


def test_single_tiles_that_are_ignored_everywhere_are_a_note(plot):
    plot.labels["t06"][:] = 255
    found = plot.findings()
    assert [(one.kind, one.severity, one.tiles) for one in found.values()] == [("tiles_all_ignored", "note", ("t06",))]


def test_a_nodata_value_that_is_a_class_is_told(plot):
    plot.label_options = {name: {"nodata": 1} for name in plot.names}
    found = plot.findings()
    assert list(found) == ["labels_nodata_class"]
    assert "class 1" in found["labels_nodata_class"].what


def test_pixels_without_image_data_do_not_count(plot):
    for name in plot.names:
        plot.images[name][:, 30:] = 0
        plot.image_options[name] = {"nodata": 0, "photometric": "minisblack"}
        plot.labels[name][30:] = 9
    assert list(plot.findings()) == ["nodata"]
