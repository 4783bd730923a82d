"""How pixels become network input."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import BandStatistics
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training.input_scaling import input_bands, input_means, input_stds

PIXELS = np.random.default_rng(3).integers(40, 220, (2, 30, 40)).astype(np.uint16)
PIXELS[1] *= 9


def statistics_of(pixels):
    return [
        BandStatistics(f"band {number}", one.mean(), one.std(), float(one.min()), float(one.max()))
        for number, one in enumerate(pixels, start=1)
    ]


def request(**options):
    return TrainSegmentation(dataset="d", model="m.safetensors", **options)


def seen(recorder, **options):
    """Return the bands, and what the network then sees of the pixels."""
    bands = input_bands(statistics_of(PIXELS), request(**options), recorder)
    return bands, Scaling(bands).apply(PIXELS, np.ones(PIXELS.shape[1:], dtype=bool))


def test_bands_are_standardized_unless_otherwise_asked(recorder):
    bands, image = seen(recorder)
    assert [band.name for band in bands] == ["band 1", "band 2"]
    assert image.mean(axis=(1, 2)) == pytest.approx([0, 0], abs=1e-5)
    assert image.std(axis=(1, 2)) == pytest.approx([1, 1], abs=1e-5)


def test_pixels_are_divided_alike_in_all_bands(recorder):
    _, image = seen(recorder, scaling="divide", divisor=255)
    assert np.allclose(image, PIXELS / 255)


def test_pixels_are_stretched_from_lowest_to_highest(recorder):
    _, image = seen(recorder, scaling="stretch")
    assert image.min(axis=(1, 2)) == pytest.approx([0, 0])
    assert image.max(axis=(1, 2)) == pytest.approx([1, 1])
    assert np.corrcoef(image[1].ravel(), PIXELS[1].ravel())[0, 1] == pytest.approx(1)


@pytest.mark.parametrize(
    "options",
    [{}, {"scaling": "divide", "divisor": 7}, {"scaling": "stretch"}],
    ids=["standardize", "divide", "stretch"],
)
def test_mean_and_deviation_of_the_input_are_known(recorder, options):
    bands, image = seen(recorder, **options)
    means, stds = input_means(bands, statistics_of(PIXELS)), input_stds(bands, statistics_of(PIXELS))
    assert means.dtype == stds.dtype == np.float32
    assert means == pytest.approx(image.mean(axis=(1, 2)), abs=1e-5)
    assert stds == pytest.approx(image.std(axis=(1, 2)), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "unit"),
    [({}, (70.0, 1.0)), ({"scaling": "stretch"}, (70.0, 1.0)), ({"scaling": "divide", "divisor": 40}, (0.0, 40.0))],
)
def test_a_band_that_never_changes_is_told_and_not_divided_by_zero(recorder, options, unit):
    statistics = statistics_of(np.full((1, 4, 4), 70))
    bands = input_bands(statistics, request(**options), recorder)
    assert (bands[0].mean, bands[0].std) == unit
    assert input_stds(bands, statistics).tolist() == [0.0]
    assert recorder.warnings == [
        "Every training pixel has the same value in 'band 1': the network learns nothing there."
    ]


def test_other_bands_are_not_warned_of(recorder):
    seen(recorder)
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scaling": "divide"}, "SCALING is 'divide', and DIVISOR is empty"),
        ({"divisor": 255}, "SCALING is 'standardize', and DIVISOR is 255"),
        ({"scaling": "stretch", "divisor": 0.5}, "SCALING is 'stretch', and DIVISOR is 0.5"),
        ({"scaling": "divide", "divisor": 0}, "DIVISOR is 0, outside its range"),
    ],
)
def test_a_divisor_belongs_to_dividing(options, said):
    with pytest.raises(RequestError, match=said) as caught:
        request(**options)
    assert caught.value.fix or "range" in said


@pytest.mark.parametrize(("divisor", "largest"), [(4, "50"), (100_000, "0.002")])
def test_a_divisor_of_another_kind_of_image_is_told(recorder, divisor, largest):
    statistics = [BandStatistics("red", 70, 10, 0, 200)]
    input_bands(
        statistics, TrainSegmentation(dataset="d", model="m.safetensors", scaling="divide", divisor=divisor), recorder
    )
    assert any(f"up to {largest} large" in text for text in recorder.warnings)
