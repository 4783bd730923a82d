"""Scales: the right values at both ends, and hidden pixels hidden."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.stages.bands import CLIP_ONLY, EIGHT_BIT, FIXED_RANGE, FLOAT, SIGMAS
from geoseg.tests.engine.scaling import HEIGHT, WIDTH, make_pixels, read, scaled, shown, stretched
from rasterio.enums import ColorInterp


@pytest.fixture
def pixels():
    return make_pixels()


def test_what_lies_below_the_limit_is_dark(rescale, make_raster):
    # Elsewhere such values have wrapped around to bright ones.
    ramp = np.arange(1000, dtype=np.uint16).reshape(1, 20, 50)
    made = read(rescale(make_raster("in.tif", ramp), low_percent=10, high_percent=90)).ravel()
    assert (made[:100] == 0).all()
    assert (made[900:] == 255).all()
    assert (np.diff(made.astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("method", [FIXED_RANGE, SIGMAS])
def test_every_type_and_method(rescale, make_raster, dtype, method):
    band = np.random.default_rng(0).normal(90, 30, (1, HEIGHT, WIDTH)).clip(0, 250).astype(dtype)
    source = make_raster("in.tif", band)
    mean, std = band.mean(dtype=np.float64), band.std(dtype=np.float64)
    low, high = (20, 180) if method == FIXED_RANGE else (mean - 2 * std, mean + 2 * std)
    options = {"method": method, "low": low, "high": high}
    made = read(rescale(source, **options)).astype(int)
    assert np.abs(made - np.rint(scaled(band, low, high) * 255)).max() <= (0 if method == FIXED_RANGE else 1)
    floats = read(rescale(source, type=FLOAT, **options))
    assert floats.dtype == np.float32
    assert floats == pytest.approx(scaled(band, low, high), abs=1e-6)
    clipped = read(rescale(source, type=CLIP_ONLY, **options))
    ends = (low, high) if "float" in dtype else (round(low), round(high))
    assert clipped.dtype == dtype
    assert clipped == pytest.approx(np.clip(band, *ends), rel=1e-6)


def test_large_whole_numbers_are_clipped_exactly(rescale, make_raster):
    info = np.iinfo(np.int64)
    values = np.array([[[info.min, -5, 0, 2**53 + 1, info.max]]], np.int64)
    source = make_raster("in.tif", values)
    assert np.array_equal(read(rescale(source, type=CLIP_ONLY, low_percent=0, high_percent=100)), values)
    made = read(rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=-5, high=2.0**60))
    assert np.array_equal(made, values.clip(-5, 2**60))


def test_the_value_clip_of_reflectances(rescale, make_raster):
    values = np.array([[[-9999, -50, 0, 1, 9999, 10000, 10001, 30000]]], np.int16)
    made = read(rescale(make_raster("in.tif", values, nodata=-9999), method=FIXED_RANGE, type=CLIP_ONLY))
    assert made.tolist() == [[[-9999, 0, 0, 1, 9999, 10000, 10000, 10000]]]


def test_pixels_without_data_are_hidden_in_8_bit(rescale, make_raster, pixels):
    pixels[:, :7], pixels[1, 7:9] = 0, 0
    path = rescale(make_raster("in.tif", pixels, nodata=0))
    assert np.array_equal(shown(path), pixels.any(axis=0))
    assert (read(path)[:, :7] == 0).all()
    assert np.array_equal(read(path)[:, 7:], [stretched(np.delete(band, range(7), axis=0)) for band in pixels])


def test_floats_without_numbers(rescale, make_raster, pixels):
    values = pixels.astype(np.float32)
    values[0, :7], values[0, 7, :3], values[2, 40:] = np.nan, (np.inf, -np.inf, np.nan), -9999
    known = np.isfinite(values) & (values != -9999)
    source = make_raster("in.tif", values, nodata=-9999)
    floats = rescale(source, type=FLOAT)
    with rasterio.open(floats) as dataset:
        assert np.isnan(dataset.nodata)
    assert np.array_equal(np.isfinite(read(floats)), known)
    for made, band, there in zip(read(floats), pixels, known, strict=True):
        low, high = np.percentile(band[there].astype(np.float64), (2, 98))
        assert np.array_equal(made[there], scaled(band[there], low, high).astype(np.float32))
    assert np.array_equal(shown(rescale(source)), known.all(axis=0))
    clipped = read(rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=500, high=2000))
    assert np.array_equal(clipped, np.where(known, values.clip(500, 2000), values), equal_nan=True)


def test_nodata_counts_in_single_bands_unless_they_may_be_dark(rescale, make_raster, pixels):
    image = pixels.astype(np.int16)
    image[1, :10] = -9999
    source = make_raster("in.tif", image, nodata=-9999)
    known = image != -9999
    assert np.array_equal(shown(rescale(source)), known.all(axis=0))
    assert np.array_equal(read(rescale(source))[1, 10:], stretched(pixels[1, 10:]))
    assert np.array_equal(np.isfinite(read(rescale(source, type=FLOAT))), known)
    options = {"type": CLIP_ONLY, "method": FIXED_RANGE, "low": 500, "high": 2000}
    assert np.array_equal(read(rescale(source, **options)), np.where(known, image.clip(500, 2000), -9999))
    pixels[:, :5], pixels[1, 5:10] = 0, 0
    dark = make_raster("dark.tif", pixels, nodata=0)
    assert np.array_equal(read(rescale(dark, **options)), np.where(pixels.any(axis=0), pixels.clip(500, 2000), 0))


@pytest.fixture
def make_vrt(make_raster, tmp_path):
    """Writes rows of floats as the bands of a virtual raster, each with its nodata value and colour."""

    def make(rows, nodata, colours):
        bands = "".join(
            f'<VRTRasterBand dataType="Float32" band="{at}"><NoDataValue>{value}</NoDataValue><ColorInterp>{colour}'
            f"</ColorInterp><SimpleSource><SourceFilename>{make_raster(f'{at}.tif', np.array([[row]], np.float32))}"
            "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
            for at, (row, value, colour) in enumerate(zip(rows, nodata, colours, strict=True), start=1)
        )
        path = tmp_path / "all.vrt"
        path.write_text(f'<VRTDataset rasterXSize="{len(rows[0])}" rasterYSize="1">{bands}</VRTDataset>')
        return str(path)

    return make


def test_bands_of_different_nodata_values_beside_alpha(rescale, make_vrt, recorder):
    rows = [10, 20, -9999, 30], [-1, 20, 30, 40], [1, 0, 1, 1]
    source = make_vrt(rows, (-9999, -1, -5), ("Gray", "Undefined", "Alpha"))
    made = read(rescale(source, method=FIXED_RANGE, low=0, high=255))
    assert made[:, 0].tolist() == [[0, 0, 0, 30], [0, 0, 0, 40], [0, 0, 0, 255]]
    assert recorder.warnings == []


def test_clipping_gives_bands_one_nodata_value(rescale, make_vrt, recorder):
    options = {"nodata": (-9999, -1), "colours": ("Gray", "Undefined")}
    source = make_vrt([[10, 20, -9999, 30], [10, -1, 20, np.nan]], **options)
    with rasterio.open(rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=0, high=25)) as dataset:
        assert dataset.nodatavals == (-9999, -9999)
        np.testing.assert_array_equal(dataset.read()[:, 0], [[10, 20, -9999, 25], [10, -9999, 20, -9999]])
    assert recorder.warnings == []
    rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=-1e5, high=1e5)
    assert recorder.warnings == []
    source = make_vrt([[10, 20, -9999, 30], [10, -1, -9999, 5]], **options)
    rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=-1e5, high=1e5)
    assert "1 pixels with data have the value -9999" in recorder.warnings[0]


def test_a_mask_band_is_kept(rescale, make_raster, pixels):
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[10:30] = 0
    source = make_raster("in.tif", pixels, mask=mask)
    for kind in (EIGHT_BIT, CLIP_ONLY):
        assert np.array_equal(shown(rescale(source, type=kind)), mask > 0)
    assert np.array_equal(np.isfinite(read(rescale(source, type=FLOAT))[1]), mask > 0)
    clipped = read(rescale(source, type=CLIP_ONLY, method=FIXED_RANGE, low=500, high=2000))
    assert np.array_equal(clipped, np.where(mask > 0, pixels.clip(500, 2000), pixels))


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535)])
def test_alpha_is_kept(rescale, make_raster, dtype, full):
    image = np.random.default_rng(1).integers(1, 250, (3, HEIGHT, WIDTH)).astype(dtype)
    alpha = np.zeros((HEIGHT, WIDTH), dtype)
    alpha[5:], alpha[20:], alpha[30] = full, full // 5, 1
    source = make_raster("in.tif", np.concatenate([image, alpha[None]]), photometric="RGB", alpha="YES")
    truths = {EIGHT_BIT: np.maximum(alpha // (full // 255), alpha > 0), FLOAT: alpha / full, CLIP_ONLY: alpha}
    for kind, truth in truths.items():
        with rasterio.open(rescale(source, type=kind)) as dataset:
            assert dataset.colorinterp[3] == ColorInterp.alpha
            assert dataset.read(4) == pytest.approx(truth)
            hidden = np.isnan(dataset.read(1)) if kind == FLOAT else dataset.read_masks(1) == 0
            assert np.array_equal(hidden, alpha == 0)
    assert np.array_equal(read(rescale(source))[:3, 5:], [stretched(band[5:]) for band in image])


def test_alpha_of_8_bits_in_a_wider_image(rescale, make_raster):
    image = np.full((4, HEIGHT, WIDTH), 500, np.uint16)
    image[3], image[3, 5:9], image[3, 9:12] = 255, 0, 51
    source = make_raster("in.tif", image, photometric="RGB", alpha="YES")
    options = {"method": FIXED_RANGE, "low": 0, "high": 1000}
    assert np.array_equal(read(rescale(source, **options))[3], image[3])
    np.testing.assert_allclose(read(rescale(source, type=FLOAT, **options))[3], image[3] / 255, rtol=1e-6)
    assert np.array_equal(read(rescale(source, type=CLIP_ONLY, **options))[3], image[3])


def test_alpha_beside_four_bands_hides_too(rescale, make_raster):
    # GDAL takes its masks from alpha in rasters of two or four bands alone.
    image = np.random.default_rng(1).integers(1, 250, (5, HEIGHT, WIDTH)).astype(np.uint8)
    image[4] = 255
    image[:, :20] = 0
    source = make_raster("in.tif", image, photometric="MINISBLACK")
    with rasterio.open(source, "r+") as dataset:
        dataset.colorinterp = [*dataset.colorinterp[:4], ColorInterp.alpha]
    made = read(rescale(source))
    assert np.array_equal(made[4], image[4])
    assert (made[:, :20] == 0).all()
    assert np.array_equal(made[:4, 20:], [stretched(band[20:]) for band in image[:4]])
    assert np.isnan(read(rescale(source, type=FLOAT))[:4, :20]).all()


def test_a_constant_band_becomes_dark_with_a_warning(rescale, make_raster, recorder, pixels):
    pixels[1] = 777
    source = make_raster("in.tif", pixels, names=("red", "green", "blue"))
    for kind in (EIGHT_BIT, FLOAT):
        recorder.warnings.clear()
        assert (read(rescale(source, type=kind))[1] == 0).all()
        assert len(recorder.warnings) == 1
        assert "'green' are 777" in recorder.warnings[0]
    assert (read(rescale(source, type=CLIP_ONLY))[1] == 777).all()


def test_an_almost_constant_band_becomes_a_step(rescale, make_raster):
    band = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    band[0, 3, :5] = 9
    assert np.array_equal(read(rescale(make_raster("in.tif", band))), 255 * (band > 0))


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 3), (1, 7, 1)])
def test_tiny_rasters(rescale, make_raster, shape):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    made = read(rescale(make_raster("in.tif", values), low_percent=0, high_percent=100))
    for band, truth in zip(made, values, strict=True):
        span = max(float(np.ptp(truth)), 1)
        assert np.array_equal(band, np.rint(scaled(truth, truth.min(), truth.min() + span) * 255))
