"""Images that do not fit each other: each fault is planted alone, and found alone."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.dataset import BandStatistics
from geoseg.tests.engine.planting import LEVELS, SPREADS, Plot


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path, bands=4)


@pytest.mark.parametrize(
    ("factor", "cause"),
    [
        (1 / 255, "divided by 255"),
        (1 / 65535, "divided by 255"),
        (10_000 / 255, "8 bits"),
        (16.0, "8 bits"),
        (100.0, "8 bits"),
    ],
)
def test_a_scene_of_another_scale_is_told(factor, cause, plot):
    for name in plot.names:
        scale = factor if plot.scenes[name] == "cedar" else 1
        plot.images[name] = (plot.images[name] * scale).astype(np.float32)
    found = plot.findings(dtype="float32")
    assert list(found) == ["scales_differ"]
    finding = found["scales_differ"]
    assert finding.severity == "warning"
    assert finding.tiles == tuple(plot.of("cedar"))
    assert cause in finding.what
    assert "cedar" in finding.what


def test_radar_in_decibels_among_linear_values_is_told(tmp_path):
    plot = Plot(tmp_path, bands=2)
    random = np.random.default_rng(1)
    for name, image in plot.images.items():
        power = 10 ** (random.normal(-1.2, 0.3, image.shape))
        plot.images[name] = (10 * np.log10(power) if plot.scenes[name] == "elm" else power).astype(np.float32)
    found = plot.findings(dtype="float32")
    assert found["scales_differ"].tiles == tuple(plot.of("elm"))
    assert "decibels" in found["scales_differ"].what


def test_without_scenes_tiles_of_another_scale_are_told(plot):
    for name in plot.names:
        plot.scenes[name] = plot.splits[name] = None
        plot.images[name] = (plot.images[name] / (255 if name in plot.names[:6] else 1)).astype(np.float32)
    found = plot.findings(dtype="float32")
    assert list(found) == ["scales_differ"]
    assert sorted(found["scales_differ"].tiles) == plot.names[:6]


def test_a_dark_tile_is_no_scale_of_its_own(plot):
    for name in plot.names:
        plot.scenes[name] = plot.splits[name] = None
    plot.images["t05"] //= 30
    assert plot.findings() == {}


def test_bands_named_in_another_order_are_an_error(plot):
    for name in plot.names:
        names = ("nir", "red", "green", "blue") if plot.scenes[name] == "elm" else ("blue", "green", "red", "nir")
        plot.image_options[name] = {"names": names}
    found = plot.findings()
    assert list(found) == ["bands_permuted"]
    assert found["bands_permuted"].severity == "error"
    assert found["bands_permuted"].tiles == tuple(plot.of("elm"))
    assert "nir, red, green, blue instead of blue, green, red, nir" in found["bands_permuted"].what


def test_other_names_are_a_warning(plot):
    for name in plot.names:
        plot.image_options[name] = {"names": ("a" if name == "t03" else "b", "c", "d", "e")}
    found = plot.findings()
    assert [(one.kind, one.severity, one.tiles) for one in found.values()] == [
        ("bands_named_otherwise", "warning", ("t03",))
    ]


@pytest.mark.parametrize(
    ("names", "is_told"),
    [
        (None, True),
        (("red", "green", "blue", "band 4"), True),
        (("band 1", "band 2", "band 3", "band 4"), True),
        (("B02", "B03", "B04", "B08"), False),
    ],
)
def test_bands_in_another_order_are_told_by_their_values(names, is_told, plot):
    for name in plot.names if names else ():
        plot.image_options[name] = {"names": names}
    for name in plot.of("fir"):
        plot.images[name] = plot.images[name][[2, 1, 0, 3]]
    found = plot.findings()
    assert list(found) == ["band_order"] * is_told
    if not is_told:
        return
    assert found["band_order"].tiles == tuple(plot.of("fir"))
    assert "taken for bands 3, 2, 1, 4" in found["band_order"].what


@pytest.mark.parametrize(("scene", "is_told"), [("map", False), (None, True)])
def test_tiles_of_one_scene_have_their_bands_in_one_order(scene, is_told, plot):
    for name in plot.names:
        plot.scenes[name] = scene
    for name in plot.names[:2]:
        plot.images[name] = plot.images[name][[2, 1, 0, 3]]
    assert ("band_order" in plot.findings()) == is_told


@pytest.mark.parametrize(("stated", "is_told"), [(255, True), (1 / 40, True), (3, False)])
def test_values_of_another_scale_than_stated_are_an_error(stated, is_told, plot):
    statistics = tuple(
        BandStatistics(f"band {band + 1}", stated * level, stated * spread, 0, 255 * stated)
        for band, (level, spread) in enumerate(zip(LEVELS, SPREADS, strict=True))
    )
    found = plot.findings(statistics=statistics)
    assert list(found) == ["scale_not_as_stated"] * is_told
    if is_told:
        assert found["scale_not_as_stated"].severity == "error"
        assert f"instead of {60 * stated:.6g} in 'band 1'" in found["scale_not_as_stated"].what


def test_scenes_without_labels_are_compared_as_well(plot):
    for name in plot.of("cedar"):
        plot.images[name] = plot.images[name].astype(np.float32) / 255
    found = plot.findings(classes=ClassTable(()), labelled=False)
    assert "scales_differ" in found


@pytest.mark.parametrize(("factor", "is_told"), [(12, False), (255, True)])
def test_a_single_band_may_differ_more_by_nature(factor, is_told, tmp_path):
    plot = Plot(tmp_path, bands=1)
    for name in plot.names:
        scale = factor if plot.scenes[name] == "elm" else 1
        plot.images[name] = (plot.images[name] / scale).astype(np.float32)
    assert ("scales_differ" in plot.findings(dtype="float32")) == is_told
