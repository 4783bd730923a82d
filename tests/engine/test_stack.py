"""Stacks: the right bands in the right order, their grid, and everything said about them."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.bands import StackBands
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.stacking.stack import stack_bands
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

HEIGHT, WIDTH = 40, 60
RANDOM = np.random.default_rng(5)


@pytest.fixture
def pixels():
    return RANDOM.integers(1, 250, (3, HEIGHT, WIDTH)).astype(np.uint8)


@pytest.fixture
def stack(tmp_path, recorder):
    def run(*inputs, **options):
        path = str(tmp_path / "out.tif")
        run.names = stack_bands(StackBands(inputs=inputs, output=path, **options), recorder).names
        return path

    return run


def read(path, *, masked=False):
    with rasterio.open(path) as dataset:
        return dataset.read(masked=masked)


def test_bands_come_in_the_order_asked(stack, make_raster, pixels):
    bgr = make_raster("bgr.tif", pixels, names=("B", "G", "R"), photometric="minisblack")
    nir = make_raster("nir.tif", pixels[:1] // 2)
    path = stack(bgr, nir, bands="R, 2, 1:1, nir")
    assert stack.names == "R, G, B, nir"
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("R", "G", "B", "nir")
        assert dataset.dtypes == ("uint8",) * 4
        assert np.array_equal(dataset.read(), [*pixels[::-1], pixels[0] // 2])


def test_all_bands_are_taken_by_default(stack, make_raster, pixels):
    path = stack(make_raster("a.tif", pixels[:1]), make_raster("b.tif", pixels[1:2].astype(np.int16) - 300))
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("a", "b")
        assert dataset.dtypes == ("int16", "int16")
        assert np.array_equal(dataset.read(), [pixels[0], pixels[1].astype(int) - 300])
        assert Grid.of(dataset).transform == Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)


def test_derived_bands_follow_as_floats(stack, make_raster, pixels):
    source = make_raster("a.tif", pixels, names=("green", "red", "nir"), photometric="minisblack", nodata=0)
    path = stack(source, bands="nir", expressions="ratio = nir / red", indices="NDVI, slump_DWI")
    green, red, nir = pixels.astype(float)
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("nir", "ratio", "NDVI", "slump_DWI")
        assert dataset.dtypes == ("float32",) * 4
        assert np.isnan(dataset.nodata)
        found = dataset.read()
    truth = np.array([nir, nir / red, (nir - red) / (nir + red), 10000 * (green - nir)], np.float32)
    assert np.array_equal(found, truth)


def test_derived_bands_can_stand_alone(stack, make_raster, pixels):
    source = make_raster("a.tif", pixels, names=("green", "red", "nir"))
    assert len(read(stack(source, bands="none", indices="NDVI"))) == 1
    assert stack.names == "NDVI"


def test_values_that_float32_does_not_hold_are_told_of(stack, make_raster, pixels, recorder):
    stack(make_raster("ids.tif", pixels[:1].astype(np.int32)), expressions="x = ids + 1")
    assert recorder.notes == ["The values of ids are rounded to float32, the data type of derived bands."]


def test_a_recipe_comes_alone_or_after_bands(stack, make_raster):
    vv, vh = RANDOM.gamma(2, 0.1, (2, 1, HEIGHT, WIDTH)).astype(np.float32)
    inputs = make_raster("s1_vv_20200101.tif", vv), make_raster("s1_vh_20200101.tif", vh)
    found = read(stack(*inputs, recipe="Sentinel-1 3 bands"))
    assert stack.names == "VH, VV, mean"
    assert np.array_equal(found, np.stack([vh[0], vv[0], ((vh[0].astype(float) + vv[0]) / 2).astype(np.float32)]))
    assert len(read(stack(*inputs, recipe="Sentinel-1 3 bands dB", bands="VV"))) == 4
    assert stack.names == "s1_vv_20200101, VH_dB, VV_dB, mean_dB"
    found = read(stack(*inputs, recipe="Sentinel-1 3 bands dB", expressions="x = VH - VH_dB", indices="VHVVR"))
    assert np.array_equal(found[4], (vh[0].astype(float) / vv[0]).astype(np.float32))


def test_slump_indices_follow_all_bands(stack, make_raster, pixels):
    names, indices = ("Blue", "Green", "Red", "NIR1"), ("DVI", "NDVI", "FDI", "SI", "DWI", "NDWI", "CS1", "CS2")
    source = make_raster("in.tif", np.concatenate([pixels, pixels[:1]]) * np.uint16(30), names=names)
    with rasterio.open(stack(source, recipe="slump indices")) as dataset:
        assert dataset.descriptions == (*names, *indices)
        assert np.array_equal(dataset.read([1, 2, 3]), pixels * np.float32(30))
    for bands, kept in (("none", ()), ("Red", ("Red",))):
        with rasterio.open(stack(source, recipe="slump indices", bands=bands)) as dataset:
            assert dataset.descriptions == (*kept, *indices)


def test_gaps_of_zeros_become_nodata(stack, make_raster, pixels):
    one, two = pixels[:1].copy(), pixels[1:2].copy()
    one[:, :9] = two[:, 5:20] = 0
    gap = np.zeros((HEIGHT, WIDTH), bool)
    gap[5:9] = True
    inputs = make_raster("a.tif", one), make_raster("b.tif", two)
    with rasterio.open(stack(*inputs)) as dataset:
        assert np.array_equal(dataset.dataset_mask() == 0, gap)
        assert np.array_equal(dataset.read(), np.concatenate([one, two]))
        assert dataset.nodata is None
    with rasterio.open(stack(*inputs, zero_nodata=False)) as dataset:
        assert (dataset.dataset_mask() > 0).all()
    assert np.array_equal(np.isnan(read(stack(*inputs, bands="a", expressions="s = b + 1"))), [gap, gap])
    assert np.array_equal(np.isnan(read(stack(*inputs, bands="a", expressions="s = a + 1")))[1], gap)


def test_a_zero_in_a_single_band_of_whole_numbers_is_no_gap(stack, make_raster, pixels, recorder):
    label = (pixels[:1] > 100).astype(np.uint8)
    with rasterio.open(stack(make_raster("label.tif", label))) as dataset:
        assert (dataset.dataset_mask() > 0).all()
        assert np.array_equal(dataset.read(), label)
    assert recorder.notes == []
    found = read(stack(make_raster("vv.tif", label.astype(np.float32))))
    assert np.array_equal(np.isnan(found), label == 0)
    assert recorder.notes[0].startswith(f"{np.count_nonzero(label == 0)} pixels that are 0 in all input bands became")


@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_gaps_do_not_fade_into_their_surroundings(stack, make_raster, dtype):
    vh, vv = np.full((2, 1, HEIGHT, WIDTH), 10, dtype)
    vv *= 2
    vh[..., :7], vv[..., :7] = 0, 0
    shifted = Affine(0.5, 0, 500_000.2, 0, -0.5, 4_999_999.8)
    like = make_raster("like.tif", np.zeros((1, HEIGHT, WIDTH)), transform=shifted)
    inputs = make_raster("vh.tif", vh), make_raster("vv.tif", vv)
    for resampling in ("bilinear", "cubic", "average"):
        with rasterio.open(stack(*inputs, like=like, resampling=resampling)) as dataset:
            gap = dataset.read_masks(1) == 0
            assert gap[1:-1, :6].all()
            assert not gap[1:-1, 8:-2].any()
            for band, value in ((1, 10), (2, 20)):
                np.testing.assert_allclose(dataset.read(band)[~gap], value, rtol=1e-6)
        with rasterio.open(stack(*inputs, like=like, resampling=resampling, zero_nodata=False)) as dataset:
            assert (dataset.read(1)[1:-2, :5] == 0).all()
            assert (dataset.read_masks(1)[1:-2, :5] > 0).all()


def test_zeros_of_one_band_alone_stay_when_it_is_resampled(stack, make_raster, pixels):
    shifted = Affine(0.5, 0, 500_000.2, 0, -0.5, 4_999_999.8)
    like = make_raster("like.tif", np.zeros((1, HEIGHT, WIDTH)), transform=shifted)
    heights = np.full((1, HEIGHT, WIDTH), 5, np.float32)
    heights[:, :, 20:40] = 0
    found = read(stack(make_raster("in.tif", pixels), make_raster("dem.tif", heights), like=like))
    assert np.isfinite(found[:, :-1, :-1]).all()
    assert (found[3, 1:-1, 20:39] == 0).all()
    assert (found[3, 1:-1, :19] == 5).all()


def test_class_zero_is_no_gap(stack, make_raster, pixels):
    table = ClassTable.named({0: "ground", 5: "roof"})
    label = make_raster(
        "label.tif", (pixels[:1] > 100) * np.uint8(5), tags={"GEOSEG_CLASSES": json.dumps(table.to_json())},
        colours={0: (1, 2, 3, 255), 5: (5, 6, 7, 255)},
    )  # fmt: skip
    with rasterio.open(stack(label)) as dataset:
        assert (dataset.dataset_mask() > 0).all()
        assert dataset.colorinterp == (ColorInterp.palette,)
        assert dataset.colormap(1)[5] == (5, 6, 7, 255)
        assert "roof" in dataset.tags()["GEOSEG_CLASSES"]
    with rasterio.open(stack(label, make_raster("b.tif", pixels[1:2]))) as dataset:
        assert ColorInterp.palette not in dataset.colorinterp
        assert "GEOSEG_CLASSES" not in dataset.tags()


def test_a_shared_nodata_value_is_kept_band_by_band(stack, make_raster, pixels):
    image = pixels.astype(np.int16)
    image[0, 3], image[1, 5] = -99, -99
    with rasterio.open(stack(make_raster("a.tif", image[:2], nodata=-99), make_raster("b.tif", pixels[2:]))) as dataset:
        assert dataset.nodata == -99
        assert np.array_equal(dataset.read(), image)
        assert np.array_equal(dataset.read_masks(1) == 0, image[0] == -99)
        assert np.array_equal(dataset.read_masks(3) == 0, np.zeros((HEIGHT, WIDTH), bool))


def test_other_nodata_values_are_mapped_where_they_cannot_be_data(stack, make_raster, pixels, recorder):
    one, two = pixels[:1].copy(), pixels[1:2].astype(np.int16)
    one[:, 4:8], two[:, 6:9] = 255, -7
    paths = make_raster("a.tif", one, nodata=255), make_raster("b.tif", two, nodata=-7)
    with rasterio.open(stack(*paths)) as dataset:
        assert dataset.nodata == -7
        assert (dataset.read(1)[4:8] == -7).all()
        assert np.array_equal(dataset.read(2), two[0])
    with rasterio.open(stack(*paths, make_raster("c.tif", pixels[2:].astype(np.int16)), bands="1,3")) as dataset:
        assert dataset.nodata is None
        assert (dataset.dataset_mask() > 0).all()
    assert "240 pixels lack data in some bands" in recorder.warnings[0]
    floats = make_raster("f.tif", two.astype(np.float32), nodata=-7)
    with rasterio.open(stack(paths[0], floats, expressions="x = a")) as dataset:
        assert np.isnan(dataset.nodata)
        assert np.array_equal(np.isnan(dataset.read()).sum(axis=(1, 2)), [4 * WIDTH, 3 * WIDTH, 4 * WIDTH])
    with rasterio.open(stack(make_raster("g.tif", one.astype(np.float32), nodata=255), floats)) as dataset:
        assert np.isnan(dataset.nodata)
        assert np.array_equal(np.isnan(dataset.read()).sum(axis=(1, 2)), [4 * WIDTH, 3 * WIDTH])


def test_dark_pixels_of_single_bands_are_data(stack, make_raster, recorder):
    image = np.array([[[0, 0, 10]], [[100, 0, 30]]], np.uint8)
    source = make_raster("in.tif", image, nodata=0, names=("red", "nir"))
    found = read(stack(source, indices="NDVI"))
    np.testing.assert_allclose(found, [[[0, np.nan, 10]], [[100, np.nan, 30]], [[1, np.nan, 0.5]]])
    with rasterio.open(stack(source)) as dataset:
        assert dataset.nodata == 0
        assert np.array_equal(dataset.read(), image)
    with rasterio.open(stack(source, bands="red")) as dataset:
        assert dataset.nodata is None
        assert np.array_equal(dataset.read(), image[:1])
        assert (dataset.dataset_mask() > 0).tolist() == [[True, False, True]]
    assert recorder.warnings == []
    singles = [make_raster(f"{name}.tif", band[None], nodata=0) for name, band in zip("ab", image, strict=True)]
    with rasterio.open(stack(*singles)) as dataset:
        assert dataset.nodata == 0
    assert "1 pixels lack data in some bands" in recorder.warnings[0]


def test_other_nodata_values_count_band_by_band_in_whole_numbers_too(stack, make_raster):
    image = np.array([[[5, 5]], [[6, -9999]]], np.int16)
    found = read(stack(make_raster("in.tif", image, nodata=-9999, names=("red", "nir")), indices="NDVI"))
    np.testing.assert_allclose(found, [[[5, 5]], [[6, np.nan]], [[1 / 11, np.nan]]], rtol=1e-6)


def test_ground_control_points_alone_are_refused(stack, make_raster, pixels):
    source = make_raster("in.tif", pixels, transform=Affine.identity(), crs=None)
    points = [GroundControlPoint(row, col, col / 2, -row / 2) for row, col in ((0, 0), (0, 60), (40, 0), (40, 60))]
    with rasterio.open(source, "r+") as dataset:
        dataset.gcps = points, rasterio.CRS.from_epsg(32633)
    for options in ({}, {"like": make_raster("like.tif", pixels)}):
        with pytest.raises(InputError, match=r"in\.tif says by ground control points alone") as caught:
            stack(source, **options)
        assert "Warp it" in caught.value.fix


def test_alpha_and_masks_are_validity(stack, make_raster, pixels):
    shown = np.full((HEIGHT, WIDTH), 255, np.uint8)
    shown[:, 10:20] = 0
    rgba = make_raster("rgba.tif", np.concatenate([pixels, shown[None]]), photometric="RGB", alpha="YES")
    masked = make_raster("masked.tif", pixels[:1], mask=shown)
    rgbna = make_raster(
        "rgbna.tif", np.concatenate([pixels, pixels[:1], shown[None]]), photometric="RGB", alpha="UNSPECIFIED"
    )
    with rasterio.open(rgbna, "r+") as dataset:
        dataset.colorinterp = [*dataset.colorinterp[:4], ColorInterp.alpha]
    for source, options in ((rgba, {"bands": "blue, red"}), (masked, {}), (rgbna, {"zero_nodata": False})):
        with rasterio.open(stack(source, **options)) as dataset:
            assert np.array_equal(dataset.dataset_mask(), shown)
            assert ColorInterp.alpha not in dataset.colorinterp
    assert np.array_equal(np.isnan(read(stack(rgba, bands="1", indices="NGRDI"))), [shown == 0] * 2)
    with pytest.raises(RequestError, match="'1:4', which does not exist"):
        stack(rgba, bands="1:4")


def test_what_is_said_of_bands_is_kept(stack, make_raster, pixels, recorder):
    source = make_raster("in.tif", pixels, names=("a", "b", "c"), tags={"SENSOR": "S2", "DAY": "1"})
    other = make_raster("other.tif", pixels[:1], tags={"SENSOR": "S2", "DAY": "2"})
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = (0.1, 0.2, 0.5), (1, 2, 3), ("m", "K", "s")
        dataset.update_tags(2, WAVELENGTH="665", STATISTICS_MEAN="3")
    for path in (source, other):
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ns="IMAGERY", SATELLITE="S2A", FILE=path)
    with rasterio.open(stack(source, other, bands="b, other", expressions="real = a + 0")) as dataset:
        assert (dataset.scales, dataset.offsets) == ((0.2, 1, 1), (2, 0, 0))
        assert dataset.units[0] == "K"
        assert dataset.tags(1) == {"WAVELENGTH": "665"}
        assert dataset.tags()["SENSOR"] == "S2"
        assert dataset.tags(ns="IMAGERY") == {"SATELLITE": "S2A"}
        assert "DAY" not in dataset.tags()
        assert "stackbands" in dataset.tags()["GEOSEG_REQUEST"]
        assert np.array_equal(dataset.read(1), pixels[1])
        assert np.array_equal(dataset.read(3), (pixels[0] * 0.1 + 1).astype(np.float32))
    assert recorder.notes == [f"Bands are derived from the values of {source} by the scale and offset stated there."]


def test_colours_survive_in_order(stack, make_raster, pixels):
    rgb = make_raster("rgb.tif", pixels, photometric="RGB")
    with rasterio.open(stack(rgb, rgb, bands="2:1, 2, 3, red", names="red,g,b,red2,g2,b2")) as dataset:
        assert [one.name for one in dataset.colorinterp] == ["red", "green", "blue", "undefined"]


def test_different_grids_are_refused_with_both(stack, make_raster, pixels):
    other = make_raster("b.tif", pixels, transform=Affine(0.5, 0, 500_000.2, 0, -0.5, 5_000_000))
    with pytest.raises(InputError, match=r"a\.tif and .*b\.tif have different grids.*x 500000 .*x 500000\.2.*LIKE"):
        stack(make_raster("a.tif", pixels), other)
    with pytest.raises(InputError, match="different grids"):
        stack(make_raster("a.tif", pixels), make_raster("c.tif", pixels, crs=None))
    bare = [make_raster(name, pixels, crs=None) for name in ("d.tif", "e.tif")]
    assert np.array_equal(read(stack(*bare)), np.concatenate([pixels, pixels]))


@pytest.mark.skipif(shutil.which("gdalwarp") is None, reason="GDAL's commands are not installed")
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_inputs_are_resampled_to_the_grid_of_like_as_gdalwarp_does(stack, make_raster, pixels, tmp_path, resampling):
    like = make_raster("like.tif", np.zeros((1, 20, 30)), transform=Affine(0.7, 0, 500_003.3, 0, -0.7, 4_999_996.7))
    source = make_raster("in.tif", pixels.astype(np.float32), nodata=-1, names=("a", "b", "c"))
    found = read(stack(source, make_raster("t.tif", np.ones((1, 20, 30)), transform=Affine(
        0.7, 0, 500_003.3, 0, -0.7, 4_999_996.7)), like=like, resampling=resampling, bands="c, a, t"))  # fmt: skip
    truth = tmp_path / "truth.tif"
    box = ["500003.3", "4999982.7", "500024.3", "4999996.7"]
    command = ["gdalwarp", "-q", "-te", *box, "-ts", "30", "20", "-r", resampling, source, str(truth)]
    subprocess.run(command, check=True)
    np.testing.assert_allclose(found[:2], read(truth)[[2, 0]], atol=1e-4)
    assert (found[2] == 1).all()


def test_like_beyond_an_input_hides_and_elsewhere_is_refused(stack, make_raster, pixels, recorder):
    like = make_raster("like.tif", np.zeros((1, HEIGHT, WIDTH)), transform=Affine(0.5, 0, 500_010, 0, -0.5, 5_000_000))
    source = make_raster("in.tif", pixels)
    with rasterio.open(stack(source, like=like)) as dataset:
        assert np.array_equal(dataset.dataset_mask()[0] > 0, np.arange(WIDTH) < 40)
        assert np.array_equal(dataset.read()[:, :, :40], pixels[:, :, 20:])
    far = make_raster("far.tif", pixels, transform=Affine(0.5, 0, 600_000, 0, -0.5, 5_000_000))
    with pytest.raises(InputError, match=r"does not overlap .*far\.tif"):
        stack(far, like=like)
    with pytest.raises(InputError, match=r"does not overlap .*far\.tif"):
        stack(source, far, like=like)


@pytest.mark.parametrize(("options", "message"), [
    ({"recipe": "Sentinel-1 3 bands"}, "needs VH, VV|needs VH"),
    ({"bands": "red", "names": "red, green"}, "NAMES has 2 names"),
    ({"bands": "purple"}, "purple.*red, green, blue"),
    ({"expressions": "x = __import__('os')"}, "not understood"),
    ({"bands": " , "}, "No band was asked for"),
    ({"bands": "none"}, "No band was asked for"),
    ({"bands": "1", "names": "VH,VV,x", "recipe": "Sentinel-1 3 bands"}, "two bands named VH"),
])  # fmt: skip
def test_requests_that_cannot_be_met_leave_nothing(stack, make_raster, pixels, tmp_path, options, message):
    with pytest.raises(RequestError, match=message):
        stack(make_raster("in.tif", pixels, photometric="RGB"), **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_near_infrared_marked_as_alpha_is_warned_of(stack, make_raster, pixels, recorder):
    rgbn = np.concatenate([pixels, pixels[:1]])
    stack(make_raster("rgbn.tif", rgbn, photometric="RGB", alpha="YES"))
    assert "looks like an image band" in recorder.warnings[0]


def test_cancelling_leaves_nothing(make_raster, make_recorder, tmp_path):
    source = make_raster("big.tif", np.ones((1, 4200, 300), np.uint8))
    request = StackBands(inputs=(source,), expressions="x = big * 2", output=str(tmp_path / "out.tif"))
    with pytest.raises(Cancelled):
        stack_bands(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [0.3]))
    assert [path.name for path in tmp_path.iterdir()] == ["big.tif"]


def test_a_cog_is_written(stack, make_raster):
    vv = make_raster("vv.tif", np.ones((1, 600, 700), np.float32))
    path = stack(vv, expressions="double = vv * 2", format="COG")
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1)
        assert dataset.descriptions == ("vv", "double")


def test_real_radar_bands_as_gdal_computes_them(stack, data, tmp_path):
    if shutil.which("gdal_calc.py") is None:
        pytest.skip("GDAL's commands are not installed")
    vv, vh = (str(data / "sen1floods11_spain" / f"S1_{name}.tif") for name in ("VV", "VH"))
    found = read(stack(vv, vh, recipe="Sentinel-1 6 bands"))
    truth = str(tmp_path / "truth.tif")
    formulas = ["B", "A", "(A+B)*0.5", "A*B", "(A+0.01)/(B+0.01)", "sqrt(B**2+A**2)"]
    command = ["gdal_calc.py", "--quiet", "-A", vv, "-B", vh, "--outfile", truth, "--NoDataValue", "-9999"]
    subprocess.run([*command, *(f"--calc={formula}" for formula in formulas)], check=True)
    assert stack.names == "VH, VV, mean, product, ratio, amplitude"
    np.testing.assert_allclose(found, read(truth), rtol=2e-6, atol=1e-9)


def test_real_optical_bands(stack, data):
    source = str(data / "sen1floods11_spain" / "S2_13bands.tif")
    names = "coastal, blue, green, red, RE1, RE2, RE3, nir, nir2, WV, cirrus, swir1, swir2"
    found = read(stack(source, names=names, bands="red, green, blue", indices="NDVI, MNDWI, NDRE"))
    bands = dict(zip(names.split(", "), read(source).astype(float), strict=True))
    pairs = [("nir", "red"), ("green", "swir1"), ("nir", "RE1")]
    for image, (one, other) in zip(found[3:], pairs, strict=True):
        with np.errstate(invalid="ignore"):
            truth = (bands[one] - bands[other]) / (bands[one] + bands[other])
        truth[(bands[one] == 0) | (bands[other] == 0)] = np.nan
        np.testing.assert_array_equal(image, truth.astype(np.float32))
    for image, name in zip(found[:3], ("red", "green", "blue"), strict=True):
        np.testing.assert_array_equal(image, np.where(bands[name] == 0, np.nan, bands[name]))


def test_real_bands_without_nodata_and_of_two_years(stack, data, recorder):
    s2 = str(data / "s2_aberystwyth" / "s2_10bands_uint16.tif")
    found = read(stack(s2, bands="B4, B3, B2", expressions="x = (B8 - B4) / (B8 + B4)", indices="NDVI"))
    pixels = read(s2).astype(float)
    assert np.array_equal(found[:3], pixels[[2, 1, 0]])
    assert np.array_equal(found[3], found[4])
    assert np.array_equal(found[3], ((pixels[6] - pixels[2]) / (pixels[6] + pixels[2])).astype(np.float32))
    years = [str(path) for path in sorted((data / "naip_rgbn_timeseries").glob("*.tif"))]
    with pytest.raises(InputError, match=r"934 x 723 pixels.*934 x 724 pixels"):
        stack(*years)
    both = read(stack(*years, like=years[1], bands="1, 5", resampling="nearest"))
    assert np.array_equal(both[1], read(years[1])[0])
    assert "band 5" in stack.names
