"""Pixels of stacks: read in bounded parts, no more bands than needed, without seams."""

import tracemalloc

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.bands import StackBands
from geoseg.geoseg_plugin.engine.imagery.stacking.stack import stack_bands
from geoseg.geoseg_plugin.engine.imagery.view import View


@pytest.fixture
def stack(tmp_path, recorder):
    def run(*inputs, **options):
        path = str(tmp_path / "out.tif")
        stack_bands(StackBands(inputs=inputs, output=path, **options), recorder)
        with rasterio.open(path) as dataset:
            return dataset.read()

    return run


@pytest.fixture
def bands_read(monkeypatch):
    """The numbers of all bands that are read, in their order."""
    read, numbers = View.read_bands, []

    def listen(view, window, bands, **options):
        numbers.extend(bands)
        return read(view, window, bands, **options)

    monkeypatch.setattr(View, "read_bands", listen)
    return numbers


def test_only_bands_that_are_needed_are_read(stack, make_raster, bands_read):
    source = make_raster("in.tif", np.ones((9, 40, 50), np.uint8), photometric="minisblack")
    stack(source, bands="7", expressions="x = band_3 * band_7")
    assert bands_read == [3, 7]
    bands_read.clear()
    stack(source, bands="7", zero_nodata=False)
    assert bands_read == [7]


def test_other_bands_are_looked_at_where_those_at_hand_are_zero(stack, make_raster, bands_read):
    pixels = np.ones((4, 40, 50), np.uint8)
    pixels[:, :10] = pixels[2, 10:20] = 0
    source = make_raster("in.tif", pixels, photometric="minisblack")
    found = stack(source, bands="3", expressions="x = band_3 + 0")
    assert bands_read == [3, 1, 2, 4]
    assert np.array_equal(np.isnan(found[1, :, 0]), np.arange(40) < 10)
    assert (found[1, 10:20] == 0).all()


def test_a_zero_without_data_is_no_gap(stack, make_raster):
    one = np.zeros((1, 6, 8), np.float32)
    other = np.full((1, 6, 8), np.nan, np.float32)
    other[:, 3:] = 0
    found = stack(make_raster("a.tif", one, nodata=np.nan), make_raster("b.tif", other, nodata=np.nan))
    assert np.isnan(found[0]).sum(axis=1).tolist() == [0, 0, 0, 8, 8, 8]


def test_parts_join_without_seams(stack, make_raster):
    rows, cols = np.mgrid[0:700, 0:2300]
    source = make_raster("in.tif", np.stack([rows, cols]).astype(np.uint16), names=("row", "col"))
    inputs = [source] * 30
    total = " + ".join(["row", *(f"row_{number}" for number in range(2, 31))])
    found = stack(*inputs, bands="1:2", expressions=f"sum = {total}; x = 3000 * row + col", zero_nodata=False)
    assert np.array_equal(found[0], cols)
    assert np.array_equal(found[1], 30 * rows)
    assert np.array_equal(found[2], (3000 * rows + cols).astype(np.float32))


def test_memory_does_not_grow_with_the_inputs(make_raster, recorder, tmp_path):
    pixels = np.ones((1, 3000, 3000), np.uint8)
    source = make_raster("in.tif", pixels, compress="deflate", tiled=True)
    del pixels
    names = [f"b{number}" for number in range(24)]
    request = StackBands(
        inputs=(source,) * 24, names=",".join(names), bands="b0", expressions=f"m = ({' + '.join(names)}) / 24",
        output=str(tmp_path / "out.tif"),
    )  # fmt: skip
    tracemalloc.start()
    stack_bands(request, recorder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * 1024**2
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert (dataset.read(2) == 1).all()


def test_rotated_and_south_up_grids_stay_as_they_are(stack, make_raster, tmp_path):
    pixels = np.arange(1, 25, dtype=np.uint8).reshape(1, 4, 6)
    for transform in (
        Affine.translation(500_000, 5_000_000) @ Affine.rotation(-30) @ Affine.scale(0.5, -0.5),
        Affine(0.5, 0, 500_000, 0, 0.5, 5_000_000),
        Affine(0.5, 0, 500_000, 0, -0.25, 5_000_000),
    ):
        inputs = [make_raster(name, pixels, transform=transform) for name in ("a.tif", "b.tif")]
        assert np.array_equal(stack(*inputs), [pixels[0], pixels[0]])
        with rasterio.open(tmp_path / "out.tif") as dataset:
            assert dataset.transform.almost_equals(transform)


@pytest.mark.parametrize("name", [
    "bandseq_striped_lzw.tif", "float32_inf.tif", "float32_nan_but_no_nodata_tag.tif", "int16_negative.tif",
    "internal_mask.tif", "jpeg2000.jp2", "no_georef.tif", "one_bit_mask.tif", "relative.vrt", "rgba_alpha.tif",
    "tiny_1x1.tif", "uint8_nodata0.tif", "all_nodata.tif", "建物_здания_भवन é ü.tif",
])  # fmt: skip
def test_odd_rasters_pass_through(stack, data, tmp_path, name):
    source = str(data / "odd_raster" / "derived" / name)
    found = stack(source, source, zero_nodata=False)
    with rasterio.open(source) as truth, rasterio.open(tmp_path / "out.tif") as dataset:
        pixels = truth.read()[: dataset.count // 2]
        shown = (truth.read_masks()[: dataset.count // 2] > 0) & np.isfinite(pixels)
        pixels, shown = np.concatenate([pixels, pixels]), np.concatenate([shown, shown])
        np.testing.assert_array_equal(dataset.read_masks() > 0, shown)
        np.testing.assert_array_equal(found[shown], pixels[shown])
