"""Rescaling: numpy's and GDAL's values, and everything that a raster says about itself."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.bands import (
    ALL_BANDS,
    CLIP_ONLY,
    EIGHT_BIT,
    FIXED_RANGE,
    FLOAT,
    RescaleImage,
)
from geoseg.geoseg_plugin.contract.stages.imagery import COG
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery import writing
from geoseg.geoseg_plugin.engine.imagery.rescaling import limits
from geoseg.geoseg_plugin.engine.imagery.rescaling.rescale import rescale_image
from geoseg.tests.engine.scaling import make_pixels, read, scaled, shown, stretched
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

TYPES = (EIGHT_BIT, FLOAT, CLIP_ONLY)


@pytest.fixture
def pixels():
    return make_pixels()


def test_percentiles_to_8_bit(rescale, make_raster, pixels):
    source = make_raster("in.tif", pixels)
    path = rescale(source)
    assert np.array_equal(read(path), [stretched(band) for band in pixels])
    assert np.array_equal(read(rescale(source, scope=ALL_BANDS)), stretched(pixels))
    with rasterio.open(path) as dataset, rasterio.open(source) as before:
        assert dataset.dtypes == ("uint8",) * 3
        assert Grid.of(dataset) == Grid.of(before)
        assert dataset.nodata is None
        assert dataset.dataset_mask().all()


def test_the_limits_are_told_and_give_the_same_again(tmp_path, make_raster, recorder, pixels):
    values = pixels.astype(np.float32) / 7
    source = make_raster("in.tif", values, names=("red", "green", "blue"))
    for scope in (ALL_BANDS, "each band"):
        first, again = str(tmp_path / "first.tif"), str(tmp_path / "again.tif")
        result = rescale_image(RescaleImage(input=source, output=first, scope=scope), recorder)
        with rasterio.open(first) as dataset:
            tags = [dataset.tags(band) for band in (1, 2, 3)]
        for at, tag in enumerate(tags):
            low, high = float(tag["GEOSEG_LOW"]), float(tag["GEOSEG_HIGH"])
            truth = np.percentile((values if scope == ALL_BANDS else values[at]).astype(np.float64), (2, 98))
            assert (low, high) == tuple(truth)
            request = RescaleImage(input=source, output=again, method=FIXED_RANGE, low=low, high=high)
            rescale_image(request, recorder)
            assert np.array_equal(read(again)[at], read(first)[at])
        assert result.limits.startswith("all bands: " if scope == ALL_BANDS else "red: ")
        assert f"Limits: {result.limits}" in recorder.notes


def test_what_a_raster_says_of_itself(rescale, make_raster, pixels):
    source = make_raster("in.tif", pixels, nodata=0, names=("B4", "B3", "B2"), tags={"SENSOR": "S2"}, photometric="RGB")
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = (0.1,) * 3, (5,) * 3, ("dn",) * 3
        dataset.update_tags(1, CENTRE="665", STATISTICS_MEAN="3")
    for kind in TYPES:
        kept = kind == CLIP_ONLY
        with rasterio.open(rescale(source, type=kind)) as dataset:
            assert dataset.descriptions == ("B4", "B3", "B2")
            assert dataset.colorinterp[0] == ColorInterp.red
            assert dataset.scales == ((0.1,) * 3 if kept else (1,) * 3)
            assert dataset.offsets == ((5,) * 3 if kept else (0,) * 3)
            assert dataset.units == (("dn",) * 3 if kept else (None,) * 3)
            assert dataset.tags()["SENSOR"] == "S2"
            assert "rescaleimage" in dataset.tags()["GEOSEG_REQUEST"]
            assert set(dataset.tags(1)) == {"CENTRE", "GEOSEG_LOW", "GEOSEG_HIGH"}
            assert dataset.nodata == 0 if kept else dataset.nodata is None or np.isnan(dataset.nodata)


def test_classes_are_refused(rescale, make_raster, pixels):
    source = make_raster("in.tif", (pixels[:1] % 5).astype(np.uint8), colours={0: (1, 2, 3, 255)})
    with pytest.raises(InputError, match=r"in\.tif holds classes"):
        rescale(source)


def test_ground_control_points_alone_are_refused(rescale, make_raster, pixels):
    source = make_raster("in.tif", pixels, transform=Affine.identity(), crs=None)
    points = [GroundControlPoint(row, col, col / 2, -row / 2) for row, col in ((0, 0), (0, 60), (50, 0), (50, 60))]
    with rasterio.open(source, "r+") as dataset:
        dataset.gcps = points, rasterio.CRS.from_epsg(32633)
    with pytest.raises(InputError, match=r"in\.tif says by ground control points alone"):
        rescale(source)


@pytest.mark.parametrize(("dtype", "options", "text"), [
    ("uint8", {}, "HIGH is 10000, which is no value of uint8"),
    ("uint16", {"low": 0.5}, "LOW is 0.5, which is no value of uint16"),
    ("int16", {"low": 5}, "A limit is 5, the nodata value"),
    ("float32", {"high": 5}, "A limit is 5, the nodata value"),
])  # fmt: skip
def test_clipping_to_impossible_limits_is_refused(rescale, make_raster, tmp_path, dtype, options, text):
    source = make_raster("in.tif", np.ones((1, 5, 5), dtype), nodata=5)
    with pytest.raises(RequestError, match=text):
        rescale(source, method=FIXED_RANGE, type=CLIP_ONLY, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_clipping_to_the_end_of_a_type_may_meet_nodata(rescale, make_raster, pixels):
    source = make_raster("in.tif", pixels, nodata=0)
    made = read(rescale(source, method=FIXED_RANGE, type=CLIP_ONLY, low=0, high=2000))
    assert np.array_equal(made, pixels.clip(0, 2000))


def test_small_blocks_give_the_same(rescale, make_raster, pixels, monkeypatch, recorder):
    source = make_raster("in.tif", pixels.astype(np.float32), nodata=150)
    whole = [read(rescale(source, type=kind)) for kind in TYPES]
    for module in (limits, writing):
        monkeypatch.setattr(module, "block_shape", lambda width, pixel_bytes: (16, 16))
    for kind, truth in zip(TYPES, whole, strict=True):
        recorder.fractions.clear()
        assert np.array_equal(read(rescale(source, type=kind)), truth, equal_nan=True)
        assert recorder.fractions == sorted(recorder.fractions)
        assert len(recorder.fractions) == 3 * 4 * 4


def test_blocks_are_bounded_by_what_is_read(rescale, make_raster, monkeypatch):
    source = make_raster("in.tif", np.random.default_rng(3).random((2, 20, 30)))
    asked = []
    monkeypatch.setattr(writing, "block_shape", lambda width, pixel_bytes: asked.append(pixel_bytes) or (16, 16))
    rescale(source)
    assert asked == [16]


def test_cog(rescale, make_raster):
    values = np.random.default_rng(2).integers(1, 3000, (3, 600, 700)).astype(np.uint16)
    values[:, :100] = 0
    source = make_raster("in.tif", values, nodata=0)
    plain, mask = read(rescale(source)), shown(rescale(source))
    with rasterio.open(rescale(source, format=COG)) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1)
        assert np.array_equal(dataset.read(), plain)
        assert np.array_equal(dataset.dataset_mask() > 0, mask)
        assert "GEOSEG_LOW" in dataset.tags(1)


@pytest.mark.parametrize("after", [0.1, 0.35, 0.6])
def test_cancelling_leaves_nothing(make_raster, make_recorder, tmp_path, monkeypatch, after):
    for module in (limits, writing):
        monkeypatch.setattr(module, "block_shape", lambda width, pixel_bytes: (16, 16))
    source = make_raster("in.tif", np.random.default_rng(0).random((1, 100, 100), np.float32))
    listener = make_recorder(lambda recorder: recorder.fractions[-1:] > [after])
    with pytest.raises(Cancelled):
        rescale_image(RescaleImage(input=source, output=str(tmp_path / "out.tif")), listener)
    assert listener.fractions[-1] < after + 0.03
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


@pytest.mark.skipif(shutil.which("gdal_translate") is None, reason="The GDAL commands are not installed.")
@pytest.mark.parametrize("name", ["landsat8_cloud/l8_9bands_uint16.tif", "spacenet2_vegas/vegas_psrgb_uint16.tif"])
def test_a_fixed_range_gives_what_gdal_gives(rescale, data, tmp_path, name):
    source, other = str(data / name), str(tmp_path / "gdal.tif")
    command = ["gdal_translate", "-q", "-ot", "Byte", "-scale", "300", "12000", "0", "255", source, other]
    subprocess.run(command, check=True, capture_output=True)
    made = read(rescale(source, method=FIXED_RANGE, low=300, high=12000)).astype(int)
    # Both round to the nearest; halves may go either way.
    values = read(source).astype(np.int64)
    halves = ((values - 300) * 510) % 11700 == 0
    assert np.array_equal(made[~halves], read(other)[~halves])
    assert np.abs(made - read(other)).max() <= 1


@pytest.mark.parametrize("name", [
    "landsat8_cloud/l8_9bands_uint16.tif",
    "naip_rgbn_timeseries/m_4709963_se_14_1_20120731.tif",
    "s2_aberystwyth/s2_10bands_uint16.tif",
    "s2_wetland_rcr/s2_8bands_uint8.tif",
    "sen1floods11_spain/S1_VV_VH.tif",
])  # fmt: skip
def test_real_images(rescale, data, name):
    with rasterio.open(data / name) as dataset:
        values, masks = dataset.read(), dataset.read_masks() > 0
        names = dataset.descriptions
    known = masks & np.isfinite(values) if values.dtype.kind == "f" else np.broadcast_to(masks.any(0), values.shape)
    path = rescale(str(data / name))
    made = read(path)
    for band, truth, there in zip(made, values, known, strict=True):
        low, high = np.percentile(truth[there].astype(np.float64), (2, 98))
        visible = known.all(axis=0)
        assert np.array_equal(band[visible], np.rint(scaled(truth[visible], low, high) * 255))
    assert np.array_equal(shown(path), known.all(axis=0))
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == names


@pytest.mark.parametrize(("options", "said"), [
    ({"method": FIXED_RANGE, "low": 0, "high": 1e6}, ["hardly anything will be seen"] * 3),
    ({"method": FIXED_RANGE, "low": 50_000, "high": 60_000}, ["hardly anything will be seen"] * 3),
    ({"method": FIXED_RANGE, "low": 0, "high": 1e6, "type": CLIP_ONLY}, []),
    ({"method": FIXED_RANGE, "low": 0, "high": 250}, []),
    ({"low": 5000, "high": 20_000}, ["LOW and HIGH are not used, since METHOD is 'percentiles'"]),
])  # fmt: skip
def test_ranges_that_show_nothing_or_do_not_count_are_warned_of(rescale, make_raster, pixels, recorder, options, said):
    rescale(make_raster("in.tif", pixels.astype(np.float32)), **options)
    assert len(recorder.warnings) == len(said)
    assert all(words in text for words, text in zip(said, recorder.warnings, strict=True))
