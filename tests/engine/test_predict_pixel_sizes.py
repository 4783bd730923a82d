"""The pixels of an image beside those that a model was trained on."""

import math

import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.scenes.pixel_sizes import (
    compare_pixel_sizes,
    scale_grid,
    tell_of_resampling,
    warn_of_odd_pixel_size,
    warn_of_other_models,
)
from geoseg.tests.engine.handmade import make_card
from rasterio.crs import CRS

UTM = "EPSG:32645"


def _grid(crs, size, corner=(0.0, 0.0), shape=(10, 10)):
    width, height = size if isinstance(size, tuple) else (size, size)
    return Grid(CRS.from_user_input(crs) if crs else None, Affine(width, 0, corner[0], 0, -height, corner[1]), *shape)


@pytest.fixture
def steps(recorder):
    """Returns how many pixels of an image lie along one of a model."""

    def run(grid, pixel_size, crs):
        sizes = compare_pixel_sizes(grid, make_card(pixel_size=pixel_size, crs=crs), recorder)
        return sizes and sizes.steps

    return run


def test_ratios_within_a_crs_are_exact(steps):
    for crs in (UTM, "EPSG:3857", "EPSG:4326", "EPSG:2263"):
        assert steps(_grid(crs, (0.1, 0.3), (3.0, 47.0)), (0.3, 0.1), crs) == (3.0, 1 / 3)
    assert steps(_grid(UTM, 0.5), (0.7, 0.5), UTM) == (pytest.approx(1.4), 1.0)


@pytest.mark.parametrize(
    ("here", "size", "corner", "trained", "trained_in", "wanted"),
    [
        ("EPSG:2263", 1.0, (1e6, 2e5), 0.3048, UTM, 1.0),
        ("EPSG:3857", 1.0, (0, 8_399_737.9), 0.5, UTM, 1.0),  # at 60 degrees north web maps show all twice as long
        (UTM, 0.5, (500_000, 6_651_411), 1.0, "EPSG:3857", 1.0),
        (UTM, 1.0, (500_000, 0), 1 / 111_320, "EPSG:4326", 1.0),
        ("EPSG:4326", 1 / 111_320, (0, 0), 2.0, UTM, 2.0),
    ],
)
def test_lengths_on_the_ground_count(steps, here, size, corner, trained, trained_in, wanted):
    assert steps(_grid(here, size, corner), (trained, trained), trained_in) == pytest.approx((wanted, wanted), rel=5e-3)


@pytest.mark.parametrize(("latitude", "narrowing"), [(0, 1), (60, 0.5), (-60, 0.5)])
def test_degrees_are_narrower_towards_the_poles(steps, latitude, narrowing):
    size = 1e-5 / narrowing, 1e-5
    metre = 1e-5 * 111_320
    assert steps(_grid("EPSG:4326", size, (10, latitude)), (metre, metre), UTM) == pytest.approx((1, 1), rel=1e-3)
    assert steps(_grid(UTM, 1.0, (500_000, 111_000 * latitude)), (1 / metre * size[0], 1e-5 / metre), "EPSG:4326") == (
        pytest.approx((1, 1), rel=2e-2)
    )


def test_an_image_without_a_place_counts_as_on_the_equator(steps):
    nowhere = _grid("EPSG:32645", 1.0, (1e9, 1e9))
    assert steps(nowhere, (1.0, 1.0), "EPSG:32633") == (1.0, 1.0)
    assert steps(nowhere, (1 / 111_320, 1 / 111_320), "EPSG:4326") == pytest.approx((1, 1), rel=1e-3)


def test_without_a_crs_map_units_count(steps, recorder):
    assert steps(_grid(None, 0.25, (5, 5)), (0.5, 0.5), None) == (2.0, 2.0)
    assert recorder.notes == []


@pytest.mark.parametrize(
    ("grid", "pixel_size", "crs", "unknown"),
    [
        (_grid(None, 0.5), (0.5, 0.5), UTM, "pixels of the image is not known"),
        (_grid(UTM, 0.5), (0.5, 0.5), None, "that the model was trained on is not known"),
        (_grid(UTM, 0.5), (1.0, 1.0), None, "that the model was trained on is not known"),
        (_grid(UTM, 0.5), (0.5, 0.5), "EPSG:999999", "that the model was trained on is not known"),
        (Grid(None, Affine.identity(), 10, 10), (0.5, 0.5), None, "pixels of the image is not known"),
        (_grid(None, 0.5), (1.0, 1.0), None, "that the model was trained on is not known"),
        (Grid(None, Affine.identity(), 10, 10), (1.0, 1.0), None, None),
    ],
)
def test_what_is_not_known_is_told(steps, recorder, grid, pixel_size, crs, unknown):
    assert steps(grid, pixel_size, crs) is None
    assert len(recorder.notes) == (unknown is not None)
    assert all(unknown in note for note in recorder.notes)


@pytest.mark.parametrize(("size", "alike"), [(0.5, True), (0.504, True), (0.496, True), (0.507, False), (0.493, False)])
def test_a_hundredth_makes_no_difference(recorder, size, alike):
    assert compare_pixel_sizes(_grid(UTM, (0.5, size)), make_card(), recorder).alike == alike


@pytest.mark.parametrize(
    "crs, size, odd",
    [
        (UTM, 0.5, False),
        (UTM, 0.9, False),
        (UTM, 1.1, True),
        (UTM, 0.2, True),
        ("EPSG:2263", 1.64, False),
        ("EPSG:2263", 0.5, True),
        ("EPSG:4326", 4.5e-6, False),
        ("EPSG:4326", 1e-4, True),
    ],
)
def test_another_pixel_size_is_told(recorder, crs, size, odd):
    warn_of_odd_pixel_size(compare_pixel_sizes(_grid(crs, size), make_card(), recorder), recorder)
    assert bool(recorder.warnings) == odd
    assert all("0.5 m" in warning and "PIXEL_SIZE" in warning for warning in recorder.warnings)


@pytest.mark.parametrize(
    ("size", "warning"), [(0.1, None), (0.05, "Most of what the image shows is lost"), (10, "work is 400 times that")]
)
def test_resampling_is_told(recorder, size, warning):
    grid = _grid(UTM, size, shape=(400, 200))
    sizes = compare_pixel_sizes(grid, make_card(), recorder)
    tell_of_resampling(sizes, grid, scale_grid(grid, sizes.steps), recorder)
    assert f"from pixels of {size} m to the model's of 0.5 m: 200 x 400 pixels become" in recorder.notes[0]
    assert len(recorder.warnings) == (warning is not None)
    assert all(warning in text for text in recorder.warnings)


@pytest.mark.parametrize("size", [0.004, 60])
def test_sizes_that_have_nothing_in_common_are_refused(recorder, size):
    grid = _grid(UTM, size)
    sizes = compare_pixel_sizes(grid, make_card(), recorder)
    with pytest.raises(InputError, match=rf"measure {size} m, those .* trained on 0\.5 m: no resampling"):
        tell_of_resampling(sizes, grid, scale_grid(grid, sizes.steps), recorder)


@pytest.mark.parametrize(
    ("sizes", "warnings"), [((0.5,), 0), ((0.5, 0.5), 0), ((0.5, 0.9), 0), ((0.5, 2.0, 2.0), 1), ((0.5, 2.0, 0.1), 2)]
)
def test_models_of_other_pixel_sizes_are_told(recorder, sizes, warnings):
    cards = [make_card(pixel_size=(size, size)) for size in sizes]
    warn_of_other_models(_grid(UTM, 0.5), cards, recorder)
    assert len(recorder.warnings) == warnings
    assert all("One of FURTHER_MODELS" in text and "at 0.5 m" in text for text in recorder.warnings)


@pytest.mark.parametrize("steps", [(2.0, 3.0), (1 / 3, 0.7), (1.3, 1.3), (7.0, 1 / 8)])
@pytest.mark.parametrize(
    "transform", [Affine(0.5, 0, 3e5, 0, -0.5, 3e6), Affine.rotation(30), Affine(2, 0, 9, 0, 2, 9)]
)
def test_a_scaled_grid_covers_the_same_place(transform, steps):
    grid = Grid(CRS.from_user_input(UTM), transform, 5001, 4000)
    scaled = scale_grid(grid, steps)
    assert scaled.transform @ (0, 0) == pytest.approx(transform @ (0, 0), abs=1e-9)
    far = ~transform @ (scaled.transform @ (scaled.width, scaled.height))
    assert far == pytest.approx((scaled.width * steps[0], scaled.height * steps[1]), abs=1e-3)
    assert -1e-3 <= far[0] - 4000 < steps[0]
    assert -1e-3 <= far[1] - 5001 < steps[1]
    assert (scaled.width, scaled.height) == (math.ceil(4000 / steps[0] - 1e-9), math.ceil(5001 / steps[1] - 1e-9))
