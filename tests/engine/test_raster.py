"""Reading rasters: valid pixels, bands that hold the image, errors that name the file."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.raster import (
    alpha_bands,
    band_names,
    blocks,
    geotiff_profile,
    image_bands,
    misses_by_band,
    open_raster,
    read_known,
    read_masks,
    read_valid,
    read_window,
)
from hypothesis import given
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.windows import Window

ALL = Window(0, 0, 4, 3)


def valid_of(path, window=ALL):
    with open_raster(path) as dataset:
        return read_valid(dataset, window, dataset.read(window=window))


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.tif cannot be opened"), open_raster(str(tmp_path / "nothing.tif")):
        pass


def test_complex_numbers_are_refused(make_raster):
    path = make_raster("sar.tif", np.zeros((1, 3, 4), np.complex64))
    with pytest.raises(InputError, match="complex"), open_raster(path):
        pass


def test_all_pixels_are_valid_without_nodata_and_mask(make_raster):
    assert valid_of(make_raster("a.tif", np.zeros((2, 3, 4), np.uint8))).all()


def test_nodata_counts_where_all_bands_have_it(make_raster):
    pixels = np.ones((2, 3, 4), np.uint8)
    pixels[0, 0] = 0
    pixels[:, 1, 1] = 0
    valid = valid_of(make_raster("a.tif", pixels, nodata=0))
    assert not valid[1, 1]
    assert valid.sum() == 11


def test_numbers_that_are_not_finite_are_no_data(make_raster):
    pixels = np.ones((2, 3, 4), np.float32)
    pixels[1, 0, 0], pixels[0, 2, 3] = np.nan, np.inf
    valid = valid_of(make_raster("a.tif", pixels))
    assert (valid[0, 0], valid[2, 3], valid.sum()) == (False, False, 10)


def test_nodata_in_one_band_of_floats_is_no_data_where_that_band_is_read(make_raster):
    pixels = np.ones((3, 3, 4), np.float32)
    pixels[1, 0, 0], pixels[2, 2] = -9999, -9999
    with open_raster(make_raster("a.tif", pixels, nodata=-9999)) as dataset:
        valid = {bands: read_valid(dataset, ALL, dataset.read(bands), bands) for bands in ((1,), (2, 1), (1, 2, 3))}
    assert valid[1,].all()
    assert (valid[2, 1][0, 0], valid[2, 1].sum()) == (False, 11)
    assert (valid[1, 2, 3][2].any(), valid[1, 2, 3].sum()) == (False, 7)


@pytest.mark.parametrize(("dtype", "nodata", "by_band"), [
    ("float32", 0, True), ("float32", -9999, True), ("int16", -9999, True), ("uint16", 65535, True),
    ("int16", 0, False), ("uint16", 0, False), ("uint8", 0, False), ("uint8", 255, False),
])  # fmt: skip
def test_missing_values_count_by_band_unless_dark_or_saturated_pixels_may_have_them(
    make_raster, dtype, nodata, by_band
):
    pixels = np.ones((3, 3, 4), dtype)
    pixels[1, 0, 0] = pixels[:2, 0, 1] = pixels[:, 1] = nodata
    with open_raster(make_raster("a.tif", pixels, nodata=nodata)) as dataset:
        assert misses_by_band(dataset) == by_band
        for bands in ((1,), (2,), (1, 2), (3, 2), (1, 2, 3)):
            image = dataset.read(bands)
            own = image != nodata
            truth = own if by_band else np.broadcast_to((pixels != nodata).any(axis=0), own.shape)
            assert np.array_equal(np.broadcast_to(read_known(dataset, ALL, image, bands), own.shape), truth)
            assert np.array_equal(read_valid(dataset, ALL, image, bands), truth.all(axis=0))


def test_floats_without_a_number_are_not_known(make_raster):
    pixels = np.ones((2, 3, 4), np.float32)
    pixels[0, 0, 0], pixels[1, 2, 3] = np.nan, -9999
    with open_raster(make_raster("floats.tif", pixels, nodata=-9999)) as dataset:
        assert np.array_equal(read_known(dataset, ALL, dataset.read()), np.isfinite(pixels) & (pixels != -9999))


@pytest.mark.parametrize("bands", [1, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_hides_pixels_beside_any_bands(make_raster, bands, dtype):
    pixels = np.ones((bands + 1, 3, 4), dtype)
    pixels[-1, 0], pixels[:-1, 1, 1] = 0, 7
    for nodata, known in ((None, 8), (7, 7)):
        path = make_raster("a.tif", pixels, photometric="MINISBLACK", nodata=nodata)
        with rasterio.open(path, "r+") as dataset:
            dataset.colorinterp = [*dataset.colorinterp[:-1], ColorInterp.alpha]
        with open_raster(path) as dataset:
            image = tuple(range(1, bands + 1))
            assert (image_bands(dataset), alpha_bands(dataset)) == (image, (bands + 1,))
            valid = read_valid(dataset, ALL, dataset.read(image))
            assert not valid[0].any()
            assert valid.sum() == known
            assert np.array_equal(np.logical_or.reduce(read_masks(dataset, ALL, image)), valid)


def test_bands_of_several_types_are_read_as_the_type_that_holds_them(make_raster, tmp_path):
    paths = [make_raster(f"{kind}.tif", np.full((1, 3, 4), 7, kind)) for kind in ("uint8", "float32")]
    bands = "".join(
        f"<VRTRasterBand dataType='{kind}' band='{band}'><SimpleSource><SourceFilename>{path}</SourceFilename>"
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for band, (kind, path) in enumerate(zip(("Byte", "Float32"), paths, strict=True), start=1)
    )
    (tmp_path / "both.vrt").write_text(f"<VRTDataset rasterXSize='4' rasterYSize='3'>{bands}</VRTDataset>")
    with open_raster(str(tmp_path / "both.vrt")) as dataset:
        assert np.array_equal(read_window(dataset, ALL), np.full((2, 3, 4), 7, np.float32))
        assert read_window(dataset, ALL, [1], out_shape=(1, 2, 2)).dtype == np.uint8
        assert read_window(dataset, ALL, [2, 1], out_shape=(2, 2, 2)).shape == (2, 2, 2)


def test_masks_and_alpha_hide_pixels(make_raster):
    mask = np.full((3, 4), 255, np.uint8)
    mask[0] = 0
    masked = make_raster("mask.tif", np.ones((1, 3, 4), np.uint8), mask=mask)
    rgba = np.concatenate([np.ones((3, 3, 4), np.uint8), mask[None]])
    alpha = make_raster("alpha.tif", rgba, photometric="RGB", alpha="YES")
    for path in (masked, alpha):
        assert np.array_equal(valid_of(path), mask > 0)
    assert valid_of(alpha, Window(1, 1, 2, 2)).all()


def test_alpha_is_no_image_band_and_bands_have_names(make_raster):
    rgba = make_raster("rgba.tif", np.ones((4, 3, 4), np.uint8), photometric="RGB", alpha="YES")
    with open_raster(rgba) as dataset:
        assert image_bands(dataset) == (1, 2, 3)
        assert band_names(dataset, (3, 1)) == ("blue", "red")
    with open_raster(make_raster("s2.tif", np.ones((2, 3, 4), np.uint16), names=("B08",))) as dataset:
        assert band_names(dataset, (1, 2)) == ("B08", "band 2")


def test_reading_in_threads_leaves_warnings_alone(make_raster):
    path = make_raster("plain.tif", np.zeros((1, 3, 4), np.uint8), crs=None, transform=rasterio.Affine.identity())
    before = list(warnings.filters)

    def look(_):
        with open_raster(path):
            return list(warnings.filters)

    with ThreadPoolExecutor(4) as pool:
        assert all(seen == before for seen in pool.map(look, range(40)))


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.integers(1, 40))
def test_blocks_cover_every_pixel_once(height, width, rows, cols):
    count = np.zeros((height, width), int)
    for window in blocks(height, width, rows, cols):
        count[window.toslices()] += 1
    assert (count == 1).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("bands", [1, 3, 8])
def test_the_profile_keeps_pixels(tmp_path, dtype, bands):
    pixels = np.random.default_rng(0).uniform(0, 200, (bands, 300, 20)).astype(dtype)
    transform = rasterio.Affine(1, 0, 5, 0, -1, 5)
    with rasterio.open(
        tmp_path / "a.tif", "w", transform=transform, **geotiff_profile(dtype, 300, 20, bands)
    ) as dataset:
        dataset.write(pixels)
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert np.array_equal(dataset.read(), pixels)
