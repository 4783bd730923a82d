"""Whether the rasters of a mosaic fit together, and what can be said of all."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.imagery.mosaicking.agreement import check_sources, shared_notes, shared_tags
from geoseg.geoseg_plugin.engine.imagery.mosaicking.sources import read_sources

PIXELS = np.ones((1, 4, 5), np.uint8)


def check(recorder, *paths):
    check_sources(read_sources(paths, recorder, from_folder=False), recorder)


def test_numbers_of_bands_must_be_equal(make_raster, recorder):
    one, three = make_raster("one.tif", PIXELS), make_raster("three.tif", np.ones((3, 4, 5), np.uint8))
    with pytest.raises(InputError, match=r"three\.tif has 3 bands, but .*one\.tif has 1 band\."):
        check(recorder, one, three)


def test_a_crs_for_all_or_for_none(make_raster, recorder):
    one, bare = make_raster("one.tif", PIXELS), make_raster("bare.tif", PIXELS, crs=None)
    other = make_raster("other.tif", PIXELS, crs=None, transform=Affine(1, 0, 9, 0, -1, 9))
    with pytest.raises(InputError, match=r"1 of 2 rasters have no CRS: .*bare\.tif"):
        check(recorder, one, bare)
    check(recorder, bare, other)
    assert "same plane" in recorder.warnings[0]


def test_differences_are_told(make_raster, recorder):
    one = make_raster("one.tif", PIXELS, names=("red",), colours={1: (1, 2, 3, 255)})
    check(recorder, one, make_raster("two.tif", PIXELS, names=("blue",), colours={1: (9, 9, 9, 255)}))
    assert [text.split(", whose")[0].split(" than")[0] for text in recorder.warnings] == [
        "1 rasters have other colour tables",
        "1 rasters have other band names",
    ]
    assert "two.tif" in recorder.warnings[0]


def describe(path, *, band_tags=None, **said):
    with rasterio.open(path, "r+") as dataset:
        for key, value in said.items():
            setattr(dataset, key, [value] * dataset.count)
        dataset.update_tags(1, **(band_tags or {}))
    return path


@pytest.mark.parametrize(("ours", "theirs", "says"), [
    ({"scales": 0.1}, {"scales": 0.01}, r"two\.tif has the scale 0\.01 and offset 0, .*one\.tif has 0\.1 and 0:"),
    ({"scales": 0.1}, {}, r"scale 1 and offset 0, .* 0\.1 and 0:"),
    ({"offsets": -1000.0}, {"offsets": 0.0}, r"scale 1 and offset 0, .* 1 and -1000:"),
])  # fmt: skip
def test_scales_and_offsets_must_be_equal(make_raster, recorder, ours, theirs, says):
    one = describe(make_raster("one.tif", PIXELS), **ours)
    check(recorder, one, describe(make_raster("same.tif", PIXELS), **ours))
    with pytest.raises(InputError, match=says) as caught:
        check(recorder, one, describe(make_raster("two.tif", PIXELS), **theirs))
    assert "Rescale one of them first" in caught.value.fix


def test_what_all_say_alike_is_kept(make_raster, recorder):
    one = make_raster("one.tif", PIXELS, tags={"SENSOR": "S1", "DATE": "2020"}, names=("VV",))
    two = make_raster("two.tif", PIXELS, tags={"DATE": "2024", "SENSOR": "S1", "CLOUDS": "3"}, names=("VV",))
    describe(one, units="dB", band_tags={"LOOKS": "4", "ORBIT": "7"})
    describe(two, units="dB", band_tags={"LOOKS": "4", "ORBIT": "8"})
    sources = read_sources([one, two], recorder, from_folder=False)
    assert shared_tags(sources) == {"AREA_OR_POINT": "Area", "SENSOR": "S1"}
    (notes,) = shared_notes(sources, None)
    assert (notes.name, notes.unit, notes.tags) == ("VV", "dB", {"LOOKS": "4"})
    (alone,) = shared_notes(sources[:1], None)
    assert alone.tags == {"LOOKS": "4", "ORBIT": "7"}
    describe(two, units="1")
    assert shared_notes(read_sources([one, two], recorder, from_folder=False), None)[0].unit is None


def test_other_limits_of_rescaling_are_told_and_not_kept_by_half(make_raster, recorder):
    one = describe(make_raster("one.tif", PIXELS), band_tags={"GEOSEG_LOW": "0.0", "GEOSEG_HIGH": "100.0"})
    two = describe(make_raster("two.tif", PIXELS), band_tags={"GEOSEG_LOW": "0.0", "GEOSEG_HIGH": "9.0"})
    sources = read_sources([one, two], recorder, from_folder=False)
    check_sources([sources[0], sources[0]], recorder)
    assert not recorder.warnings
    assert "GEOSEG_HIGH" in shared_notes([sources[0], sources[0]], None)[0].tags
    check_sources(sources, recorder)
    assert recorder.warnings[0].startswith("1 rasters were rescaled by other limits than")
    assert shared_notes(sources, None)[0].tags == {}
