"""Limits of a scale: numpy's, over the values that are known."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.bands import (
    ALL_BANDS,
    FIXED_RANGE,
    OTHER_IMAGE,
    PERCENTILES,
    SIGMAS,
    RescaleImage,
)
from geoseg.geoseg_plugin.engine.imagery.rescaling import limits as module
from geoseg.geoseg_plugin.engine.imagery.rescaling.limits import count_passes, describe_limits, find_limits
from geoseg.geoseg_plugin.engine.raster import open_raster
from rasterio.enums import ColorInterp

HEIGHT, WIDTH = 60, 70


@pytest.fixture
def find(recorder):
    def run(path, **options):
        with open_raster(path) as source:
            return np.array(find_limits(RescaleImage(input=path, output="out.tif", **options), source, recorder))

    return run


def noise(dtype, bands=2):
    pixels = np.random.default_rng(8).normal(90, 30, (bands, HEIGHT, WIDTH)) + 20 * np.arange(bands)[:, None, None]
    return pixels.clip(0, 250).astype(dtype)


def percentiles(values):
    return np.percentile(np.asarray(values, np.float64), (2, 98))


def spread(values, sigma=2):
    mean, std = np.mean(values, dtype=np.float64), np.std(values, dtype=np.float64)
    return mean - sigma * std, mean + sigma * std


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "int32", "float32", "float64"])
def test_limits_are_those_of_numpy(find, make_raster, dtype):
    pixels = noise(dtype) - (100 if dtype[0] != "u" else 0)
    path = make_raster("in.tif", pixels.astype(dtype))
    assert np.array_equal(find(path), [percentiles(band) for band in pixels])
    assert np.array_equal(find(path, scope=ALL_BANDS), [percentiles(pixels)] * 2)
    assert find(path, method=SIGMAS) == pytest.approx(np.array([spread(band) for band in pixels]), rel=1e-9)
    together = find(path, method=SIGMAS, scope=ALL_BANDS, sigma=1.5)
    assert together == pytest.approx(np.array([spread(pixels, 1.5)] * 2), rel=1e-9)


def test_a_fixed_range_reads_nothing(find, make_raster, recorder):
    path = make_raster("in.tif", noise("uint16"))
    assert find(path, method=FIXED_RANGE, low=3, high=90).tolist() == [[3, 90]] * 2
    assert recorder.fractions == []


def test_limits_of_another_image_are_taken_band_by_band(find, make_raster, recorder):
    like = make_raster("like.tif", noise("uint8"), names=("a", "b"))
    with rasterio.open(like, "r+") as dataset:
        for band, (low, high) in enumerate(((3.25, 90.5), (-1.0, 1e-3)), start=1):
            dataset.update_tags(band, GEOSEG_LOW=repr(low), GEOSEG_HIGH=repr(high))
    path = make_raster("in.tif", noise("uint16"), names=("a", "b"))
    assert find(path, method=OTHER_IMAGE, like=like).tolist() == [[3.25, 90.5], [-1.0, 1e-3]]
    assert recorder.fractions == []
    with pytest.raises(InputError, match=r"limits for the bands a, b, but .*in\.tif has b, a"):
        find(make_raster("in.tif", noise("uint16"), names=("b", "a")), method=OTHER_IMAGE, like=like)
    with pytest.raises(InputError, match="does not state the limits"):
        find(path, method=OTHER_IMAGE, like=path)


def test_floats_count_band_by_band(find, make_raster):
    pixels = noise("float32")
    pixels[0, :20], pixels[0, 20, :3], pixels[1, 40:] = np.nan, (np.inf, -np.inf, np.nan), -9999
    known = np.isfinite(pixels) & (pixels != -9999)
    truth = [percentiles(band[there]) for band, there in zip(pixels, known, strict=True)]
    path = make_raster("in.tif", pixels, nodata=-9999)
    assert np.array_equal(find(path), truth)
    assert np.array_equal(find(path, scope=ALL_BANDS)[0], percentiles(pixels[known]))


def test_pixels_of_whole_numbers_count_unless_all_bands_have_nodata(find, make_raster):
    pixels = noise("uint8")
    pixels[:, :20], pixels[0, 20:25] = 0, 0
    assert np.array_equal(
        find(make_raster("in.tif", pixels, nodata=0)), [percentiles(band[pixels.any(axis=0)]) for band in pixels]
    )


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_transparent_pixels_do_not_count(find, make_raster, bands, dtype):
    pixels, alpha = noise(dtype, bands), np.full((1, HEIGHT, WIDTH), 200, dtype)
    alpha[:, :25], pixels[:, :25] = 0, 0
    path = make_raster("in.tif", np.concatenate([pixels, alpha]), photometric="RGB", alpha="UNSPECIFIED")
    mark_alpha(path, bands + 1)
    assert np.array_equal(find(path), [percentiles(band) for band in pixels[:, 25:]])


def mark_alpha(path, band):
    with rasterio.open(path, "r+") as dataset:
        meanings = list(dataset.colorinterp)
        meanings[band - 1] = ColorInterp.alpha
        dataset.colorinterp = meanings


def test_masked_pixels_do_not_count(find, make_raster):
    pixels, mask = noise("uint16"), np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[10:30] = 0
    assert np.array_equal(find(make_raster("in.tif", pixels, mask=mask)), [percentiles(b[mask > 0]) for b in pixels])


@pytest.mark.parametrize("method", [PERCENTILES, SIGMAS])
def test_a_constant_band_has_exactly_its_value_twice(find, make_raster, method):
    pixels = np.full((1, HEIGHT, WIDTH), 0.1, np.float32)
    assert np.array_equal(find(make_raster("in.tif", pixels), method=method), [[np.float32(0.1)] * 2])


@pytest.mark.parametrize("method", [PERCENTILES, SIGMAS])
def test_a_band_without_data_is_named(find, make_raster, method):
    pixels = noise("float32")
    pixels[1] = np.nan
    path = make_raster("in.tif", pixels, names=("VV", "VH"))
    with pytest.raises(InputError, match=r"in\.tif has no pixels with data in the band 'VH'"):
        find(path, method=method)
    assert np.array_equal(find(path, scope=ALL_BANDS)[0], percentiles(pixels[0]))
    with pytest.raises(InputError, match="no pixels with data, so"):
        find(make_raster("empty.tif", np.zeros((2, 3, 3), np.uint8), nodata=0), method=method)


@pytest.mark.parametrize("method", [PERCENTILES, SIGMAS])
def test_blocks_give_the_same_limits_and_true_progress(find, make_raster, recorder, monkeypatch, method):
    path = make_raster("in.tif", noise("float32"))
    whole = find(path, method=method)
    monkeypatch.setattr(module, "block_shape", lambda width, pixel_bytes: (16, 16))
    recorder.fractions.clear()
    assert find(path, method=method) == pytest.approx(whole, rel=1e-12)
    blocks = 4 * 5 * (2 if method == PERCENTILES else 1)
    assert len(recorder.fractions) == blocks
    assert recorder.fractions == sorted(recorder.fractions)
    assert (recorder.fractions[-1], recorder.fractions[0]) == (1, pytest.approx(1 / blocks, rel=0.3))


def test_every_pass_can_be_cancelled(make_raster, make_recorder):
    path = make_raster("in.tif", noise("float32"))
    for passed in (-1, 0.4):
        listener = make_recorder(lambda recorder, passed=passed: recorder.fractions[-1:] > [passed] or passed < 0)
        with open_raster(path) as source, pytest.raises(Cancelled):
            find_limits(RescaleImage(input=path, output="out.tif"), source, listener)
        assert len(listener.fractions) == (0 if passed < 0 else 1)


def test_passes_follow_from_the_data_type(make_raster):
    for dtype, passes in (("uint8", 1), ("int16", 1), ("float32", 2)):
        with open_raster(make_raster(f"{dtype}.tif", noise(dtype))) as source:
            for method, count in ((PERCENTILES, passes), (SIGMAS, 1), (FIXED_RANGE, 0)):
                assert count_passes(RescaleImage(input="in.tif", output="out.tif", method=method), source) == count


def test_limits_in_words():
    limits = (module.Limits(12, 240), module.Limits(-3.25, 1e-7))
    assert describe_limits(limits, ("red", "green")) == "red: 12 to 240; green: -3.25 to 1e-07"
    assert describe_limits(limits[:1] * 2, ("red", "green")) == "all bands: 12 to 240"
    assert describe_limits(limits[:1], ("red",)) == "red: 12 to 240"


@pytest.mark.parametrize("name", [
    "landsat8_cloud/l8_9bands_uint16.tif",
    "naip_rgbn_timeseries/m_4709963_se_14_1_20170827.tif",
    "sen1floods11_spain/S1_VV_VH.tif",
    "sen1floods11_spain/S2_13bands.tif",
    "spacenet2_vegas/vegas_psrgb_uint16.tif",
])  # fmt: skip
def test_real_images(find, data, name):
    with rasterio.open(data / name) as dataset:
        pixels, shown = dataset.read(), dataset.read_masks() > 0
    known = shown & np.isfinite(pixels) if pixels.dtype.kind == "f" else shown.any(axis=0, keepdims=True)
    known = np.broadcast_to(known, pixels.shape)
    truth = [percentiles(band[there]) for band, there in zip(pixels, known, strict=True)]
    assert np.array_equal(find(str(data / name)), truth)
