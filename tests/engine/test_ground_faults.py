"""Faults of place: each is planted alone, and found alone."""

import numpy as np
import pytest
from affine import Affine
from geoseg.tests.engine.planting import Plot


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path)


def _only(found, kind):
    assert list(found) == [kind]
    return found[kind]


def test_labels_that_lie_elsewhere_are_told_with_both_grids(plot):
    plot.label_options["t05"] = {"transform": plot.places["t05"] @ Affine.translation(1, 0)}
    finding = _only(plot.findings(), "grids_differ")
    assert finding.severity == "error"
    assert finding.tiles == ("t05",)
    assert "x 300080 to 300096" in finding.what
    assert "x 300080.5 to 300096.5" in finding.what


@pytest.mark.parametrize("options", [{"crs": "EPSG:32646"}, {"transform": Affine(0.6, 0, 300_080, 0, -0.6, 3_000_000)}])
def test_labels_of_another_crs_or_pixel_size_are_told(options, plot):
    plot.label_options["t05"] = options
    assert _only(plot.findings(), "grids_differ").tiles == ("t05",)


def test_labels_of_another_size_are_told(plot):
    plot.labels["t05"] = plot.labels["t05"][:, :30]
    finding = _only(plot.findings(), "grids_differ")
    assert "32 x 32 pixels" in finding.what
    assert "30 x 32 pixels" in finding.what


def test_lost_crs_are_told(plot):
    for name in ("t03", "t05"):
        plot.image_options[name] = plot.label_options[name] = {"crs": None, "transform": Affine.identity()}
    finding = _only(plot.findings(), "crs_lost")
    assert finding.tiles == ("t03", "t05")
    assert "2 of 24 images" in finding.what
    assert "EPSG:32645" in finding.what
    assert ".tif.aux.xml" in finding.fix


def test_a_crs_that_only_the_dataset_states_is_lost_as_well(plot):
    for name in plot.names:
        plot.image_options[name] = plot.label_options[name] = {"crs": None, "transform": Affine.identity()}
    assert len(_only(plot.findings(), "crs_lost").tiles) == 24
    assert plot.findings(crs=None) == {}


def test_labels_without_crs_are_a_note(plot):
    for name in plot.names:
        plot.label_options[name] = {"crs": None, "transform": Affine.identity()}
    assert _only(plot.findings(), "label_crs_lost").severity == "note"


def test_other_pixel_sizes_are_told(plot):
    for name in plot.of("fir"):
        plot.places[name] = plot.places[name] @ Affine.scale(2)
        plot.places[name] = Affine.translation(0, 5000) @ plot.places[name]
    for number, name in enumerate(plot.of("fir")):
        plot.places[name] = Affine.translation(100 * number, 0) @ plot.places[name]
    finding = _only(plot.findings(), "pixel_sizes_differ")
    assert finding.tiles == tuple(plot.of("fir"))
    assert "0.5 to 1 m" in finding.what


def test_pixels_of_one_size_in_other_crs_are_one_size(plot):
    degrees = 0.5 / 111_195
    for number, name in enumerate(plot.of("fir")):
        place = Affine(degrees / np.cos(np.radians(27)), 0, 85 + 0.01 * number, 0, -degrees, 27)
        plot.image_options[name] = plot.label_options[name] = {"crs": "EPSG:4326", "transform": place}
    assert plot.findings() == {}


def test_copies_in_two_sets_are_an_error(plot):
    plot.images["t03"] = plot.images["t01"]
    finding = _only(plot.findings(), "copies_across_sets")
    assert finding.severity == "error"
    assert "t01 (train) = t03 (validation)" in finding.what
    assert finding.tiles == ("t01", "t03")


def test_copies_in_one_set_are_a_warning(plot):
    plot.images["t02"] = plot.images["t01"]
    finding = _only(plot.findings(), "copies")
    assert (finding.severity, finding.tiles) == ("warning", ("t01", "t02"))
    assert finding.what == "The same pixels have several names: t01 (train) = t02 (train)."


def test_copies_that_are_not_used_do_not_count(plot):
    plot.images["t05"] = plot.images["t01"]
    assert plot.findings() == {}


def test_ground_in_two_sets_is_an_error(plot):
    plot.places["t03"] = plot.places["t01"] @ Affine.translation(30, 0)
    plot.places["t02"] = plot.places["t02"] @ Affine.translation(0, 100)
    finding = _only(plot.findings(), "ground_shared")
    assert finding.severity == "error"
    assert finding.tiles == ("t01", "t03")
    assert "t01 (train) and t03 (validation)" in finding.what


def test_ground_shared_within_a_set_or_with_unused_tiles_is_none(plot):
    plot.places["t02"] = plot.places["t01"] @ Affine.translation(5, 0)
    plot.places["t05"] = plot.places["t01"] @ Affine.translation(9, 50)
    plot.places["t06"] = plot.places["t05"] @ Affine.translation(9, 5)
    assert plot.findings() == {}
