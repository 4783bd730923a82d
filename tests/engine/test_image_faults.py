"""Faults of single images: each is planted alone, and found alone."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.datasets.checking.findings import find_all
from geoseg.geoseg_plugin.engine.datasets.checking.survey import survey_tiles
from geoseg.tests.engine.planting import Plot


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path)


def _only(found, kind):
    assert list(found) == [kind]
    return found[kind]


def test_files_that_cannot_be_read_are_an_error_and_no_crash(plot, recorder):
    pairs = plot.write()
    pairs.pairs[3].image.write_bytes(b"no raster")
    label = pairs.pairs[5].label
    label.write_bytes(label.read_bytes()[:300])
    finding = _only(_found(pairs, recorder), "unreadable")
    assert finding.severity == "error"
    assert finding.tiles == ("t03", "t05")
    assert "t03.tif" in finding.what


def _found(pairs, recorder):
    return {one.kind: one for one in find_all(survey_tiles(pairs, recorder), recorder)}


def test_files_without_a_partner_are_told(plot, tmp_path):
    finding = _only(plot.findings(alone=(tmp_path / "images" / "x.tif",)), "no_partner")
    assert "images/x.tif" in finding.what


def test_another_number_of_bands_is_told(plot):
    plot.images["t04"] = plot.images["t04"][:2]
    finding = _only(plot.findings(), "band_counts_differ")
    assert finding.severity == "error"
    assert finding.tiles == ("t04",)
    assert "2 bands" in finding.what
    assert "3 are expected" in finding.what


def test_another_data_type_is_told(plot):
    plot.images["t04"] = plot.images["t04"].astype(np.uint16)
    finding = _only(plot.findings(), "dtypes_differ")
    assert finding.tiles == ("t04",)
    assert "uint16" in finding.what


def test_a_band_that_is_constant_everywhere_is_told(plot):
    for image in plot.images.values():
        image[1] = 17
    finding = _only(plot.findings(), "bands_constant")
    assert finding.severity == "warning"
    assert "'band 2' (17)" in finding.what


def test_images_that_are_constant_everywhere_are_an_error(plot):
    for image in plot.images.values():
        image[:] = 17
    assert _only(plot.findings(), "bands_constant").severity == "error"


def test_a_band_that_is_constant_in_a_tile_is_a_note(plot):
    plot.images["t08"][2] = 40
    finding = _only(plot.findings(), "tiles_constant")
    assert (finding.severity, finding.tiles) == ("note", ("t08",))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_told(value, plot):
    for name in plot.names:
        plot.images[name] = plot.images[name].astype(np.float32)
    plot.images["t02"][1, 3, :4] = value
    finding = _only(plot.findings(dtype="float32"), "not_finite")
    assert finding.tiles == ("t02",)
    assert finding.what.startswith("4 pixels")


def test_not_a_number_that_is_marked_as_nodata_is_not_told(plot):
    for name in plot.names:
        plot.images[name] = plot.images[name].astype(np.float32)
        plot.image_options[name] = {"nodata": np.nan}
    plot.images["t02"][1, 3, :4] = np.nan
    assert plot.findings(dtype="float32") == {}


def test_pixels_without_data_are_a_note_with_their_share(plot):
    plot.images["t02"][:, :8] = 0
    plot.image_options["t02"] = {"nodata": 0}
    finding = _only(plot.findings(), "nodata")
    assert (finding.severity, finding.tiles) == ("note", ("t02",))
    assert "up to 25 %" in finding.what


def test_single_pixels_without_data_are_not_told(plot):
    plot.images["t02"][:, 0, :9] = 0
    plot.image_options["t02"] = {"nodata": 0}
    assert plot.findings() == {}


def test_tiles_without_any_data_are_told(plot):
    plot.images["t02"][:] = 0
    plot.image_options["t02"] = {"nodata": 0}
    assert _only(plot.findings(), "tiles_empty").tiles == ("t02",)


def test_whole_numbers_of_0_and_1_are_told(plot):
    for name in plot.names:
        plot.images[name] = (plot.images[name] > 80).astype(np.uint8)
    assert "images_truncated" in plot.findings()


def test_a_scene_of_0_and_1_among_others_is_told(plot):
    for name in plot.of("elm"):
        plot.images[name] = plot.images[name] // 100
    found = plot.findings()
    assert found["images_truncated"].tiles == tuple(plot.of("elm"))
    assert {one.severity for one in found.values()} <= {"warning", "note"}


def test_tiles_smaller_than_the_tile_size_are_a_note(plot):
    plot.images["t02"], plot.labels["t02"] = plot.images["t02"][:, :20], plot.labels["t02"][:20]
    finding = _only(plot.findings(), "tiles_small")
    assert (finding.severity, finding.tiles) == ("note", ("t02",))
    assert "32 x 32" in finding.what


def test_tiles_larger_than_the_tile_size_are_an_error(plot):
    plot.images["t02"] = np.pad(plot.images["t02"], ((0, 0), (0, 3), (0, 0)), mode="reflect")
    plot.labels["t02"] = np.pad(plot.labels["t02"], ((0, 3), (0, 0)))
    finding = _only(plot.findings(), "tiles_large")
    assert (finding.severity, finding.tiles) == ("error", ("t02",))
